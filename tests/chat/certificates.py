"""Certificates for tests, made by openssl in moments."""
import subprocess


def make(folder, stem, names, kind="ec", days=3):
    """Writes STEM.crt and STEM.key; their paths."""
    key = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
           "rsa": ["rsa:2048"]}[kind]
    paths = [str(folder / (stem + end)) for end in (".crt", ".key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days",
         str(days), "-subj", "/CN=" + names[0], "-addext",
         "subjectAltName=" + ",".join("DNS:" + name for name in names),
         "-out", paths[0], "-keyout", paths[1]],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    return paths
