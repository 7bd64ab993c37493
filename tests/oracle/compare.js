#!/usr/bin/env node
/*
 * The same mails through mailparser and through payload_dump, field by field.
 * Prints what differs; the exit code says whether anything does. README.md
 * lists what may, and --deliberate leaves some of that out.
 *
 * usage: compare.js [--deliberate] PAYLOAD_DUMP FILE...
 */
"use strict";
const fs = require("fs");
const { execFileSync } = require("child_process");
const { simpleParser } = require("mailparser");
const he = require("he");

const SENDER = "sender@envelope.example";
const RECIPIENT = "recipient@envelope.example";
const BATCH = 200;

function addresses(field) {
  if (!field) return "";
  return [].concat(field).map((one) => one.text).join(", ");
}

/* What the former worker made of a parsed mail. */
function expected(mail) {
  return {
    from: addresses(mail.from) || SENDER,
    to: addresses(mail.to) || RECIPIENT,
    subject: mail.subject || "",
    text_body: mail.text || "",
    html_body: mail.html || "",
    attachments: mail.attachments.map((attachment, index) => ({
      filename: attachment.filename || `attachment_${index}`,
      content_type: attachment.contentType || "application/octet-stream",
      size: attachment.size || 0,
      content_id: attachment.cid || null,
      content: attachment.content.toString("base64"),
      encoding: "base64",
      index,
    })),
  };
}

/* Takes back what differs on purpose and can be told mechanically. */
function forgive(want, got) {
  want.html_body = he.decode(want.html_body);
  got.html_body = he.decode(got.html_body);
  if (want.html_body && !want.text_body) want.text_body = got.text_body;
}

function differences(want, got) {
  const found = [];
  for (const field of Object.keys(want))
    if (JSON.stringify(want[field]) !== JSON.stringify(got[field]))
      found.push(field);
  return found;
}

function shorten(value) {
  const text = JSON.stringify(value);
  return text.length > 400 ? text.slice(0, 400) + "..." : text;
}

async function compare(file, payload, deliberate) {
  const source = fs.readFileSync(file);
  const want = expected(await simpleParser(source, { keepCidLinks: true }));
  if (deliberate) forgive(want, payload);
  const found = differences(want, payload);
  for (const field of found)
    console.log(`${file}: ${field}\n  mailparser ${shorten(want[field])}\n` +
      `  payload    ${shorten(payload[field])}`);
  return found;
}

async function main(args) {
  const deliberate = args[0] === "--deliberate";
  const [dump, ...files] = deliberate ? args.slice(1) : args;
  const counts = {};
  let differing = 0;
  for (let at = 0; at < files.length; at += BATCH) {
    const batch = files.slice(at, at + BATCH);
    const payloads = execFileSync(dump, ["-f", SENDER, "-r", RECIPIENT,
      ...batch], { maxBuffer: 1 << 30 }).toString().trimEnd().split("\n");
    for (const [i, file] of batch.entries()) {
      const found = await compare(file, JSON.parse(payloads[i]), deliberate);
      differing += found.length > 0;
      for (const field of found) counts[field] = (counts[field] || 0) + 1;
    }
  }
  console.log(`${files.length} mails, ${differing} differ`, counts);
  return differing > 0 ? 1 : 0;
}

main(process.argv.slice(2)).then((code) => process.exit(code));
