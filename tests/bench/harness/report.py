"""What was measured, as lines for a person and as Markdown."""

import dataclasses
import statistics


@dataclasses.dataclass
class Result:
    """One line of the table. Values are per contender, one per round."""
    what: str
    unit: str = ""
    target: str = ""
    values: dict = dataclasses.field(default_factory=dict)
    ratio: str = ""       # "postfix": elektrine's value by that one's
    least: float = 0.0    # the ratio, or the value, must reach this
    most: float = 0.0     # or stay at or below this
    notes: list = dataclasses.field(default_factory=list)

    def median(self, name):
        return statistics.median(self.values[name])

    def ratio_to(self, other):
        """Median of the ratios within each round: the rounds are
        interleaved, so that what disturbs one disturbs its neighbours."""
        pairs = zip(self.values["elektrine"], self.values[other])
        return statistics.median(mine / theirs for mine, theirs in pairs)

    def judged(self):
        """The figure that the target speaks of; None when there is none."""
        if "elektrine" not in self.values or not (self.least or self.most):
            return None
        if not self.ratio:
            return self.median("elektrine")
        return self.ratio_to(self.ratio) if self.ratio in self.values else None

    def verdict(self):
        figure = self.judged()
        if figure is None:
            return ""
        met = figure >= self.least if self.least else figure <= self.most
        return "met" if met else "missed"


def shown(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def ratios(result):
    others = [name for name in result.values if name != "elektrine"]
    if "elektrine" not in result.values:
        return ""
    return ", ".join(f"{result.ratio_to(name):.2f} × {name}"
                     for name in others)


def print_result(result):
    print(f"\n{result.what}" + (f" ({result.unit})" if result.unit else ""))
    for name, values in result.values.items():
        rounds = " ".join(shown(value) for value in values)
        print(f"  {name:12} {shown(result.median(name)):>10}   [{rounds}]")
    if ratios(result):
        print(f"  ratio        {ratios(result)}")
    if result.target:
        verdict = result.verdict()
        print(f"  at least     {result.target}"
              + (f": {verdict}" if verdict else ""))
    for note in result.notes:
        print(f"  {note}", flush=True)


def markdown(title, results):
    names = []
    for result in results:
        names += [name for name in result.values if name not in names]
    lines = [f"### {title}", "",
             "| what | target | " + " | ".join(names) + " | ratio | |",
             "|" + "---|" * (len(names) + 4)]
    for result in results:
        cells = [result.what + (f", {result.unit}" if result.unit else ""),
                 result.target]
        cells += [shown(result.median(name)) if name in result.values else ""
                  for name in names]
        cells += [ratios(result), result.verdict()]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [""] + [f"- {result.what}: {note}" for result in results
                     for note in result.notes]
    return "\n".join(lines)
