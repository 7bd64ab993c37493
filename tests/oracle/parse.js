#!/usr/bin/env node
/*
 * What the former worker made of mails: mailparser's simpleParser over every
 * file that a line of standard input names, one JSON object a line.
 *
 * usage: parse.js [--time] <LIST
 *
 * --time prints how many seconds of CPU the parsing alone took instead, in the
 * best of three passes; the files are in memory by then.
 */
"use strict";
const fs = require("fs");
const { simpleParser, MailParser } = require("mailparser");
const libmime = require("libmime");
const { htmlToText } = require("html-to-text");

const SENDER = "sender@envelope.example";
const RECIPIENT = "recipient@envelope.example";
const SINGLE = ["from", "subject", "date", "message-id", "sender", "reply-to",
  "in-reply-to", "content-type", "content-transfer-encoding",
  "content-disposition", "content-id", "content-description", "mime-version",
  "precedence", "priority", "errors-to", "disposition-notification-to"];

/* Of several To the worker read one object's text, which a list has not. */
function addresses(field) {
  if (!field) return { text: "", list: [] };
  const all = [].concat(field);
  return {
    text: Array.isArray(field) ? "" : field.text,
    list: all.map((one) => one.value),
  };
}

function words(text) {
  try {
    return libmime.decodeWords(text);
  } catch (error) {
    return text;
  }
}

function utf8(text) {
  return Buffer.from(text, "binary").toString();
}

/* Every field, decoded by the functions that mailparser itself uses. */
function headers(lines) {
  const all = new Map();
  for (const { key, line } of lines || []) {
    if (!key) continue;
    /* Not trimmed of what only JavaScript takes for blanks. */
    const name = utf8(line.slice(0, line.indexOf(":"))).toLowerCase()
      .replace(/^[ \t\r]+|[ \t\r]+$/g, "");
    const text = utf8(libmime.decodeHeader(line).value);
    const both = { raw: text, decoded: words(text) };
    if (!all.has(name) || SINGLE.includes(name)) all.set(name, []);
    all.get(name).push(both);
  }
  return Object.fromEntries(all);
}

function attachment(found, index) {
  return {
    filename: found.filename || `attachment_${index}`,
    named: Boolean(found.filename),
    content_type: found.contentType || "application/octet-stream",
    size: found.size || 0,
    content_id: found.cid || null,
    content: found.content.toString("base64"),
    encoding: "base64",
    index,
  };
}

/* The text of each HTML part. */
let pages = [];
const getTextContent = MailParser.prototype.getTextContent;
MailParser.prototype.getTextContent = function () {
  const walk = (node) => {
    if (node.contentType === "text/html" && node.textContent)
      pages.push(node.textContent);
    node.children.forEach(walk);
  };
  walk(this.tree);
  return getTextContent.call(this);
};

/* Which pieces of html_body were made of plain text. */
let fragments = [];
const textToHtml = MailParser.prototype.textToHtml;
MailParser.prototype.textToHtml = function (text) {
  const made = textToHtml.call(this, text);
  fragments.push([text, made]);
  return made;
};

function payload(mail) {
  const from = addresses(mail.from);
  const to = addresses(mail.to);
  return {
    from: from.text || SENDER,
    from_list: from.list,
    to: to.text || RECIPIENT,
    to_list: to.list,
    subject: mail.subject || "",
    text_body: mail.text || "",
    html_body: mail.html || "",
    texts_of_html: mail.text ? [] : pages.map((page) => htmlToText(page)),
    fragments,
    attachments: mail.attachments.map(attachment),
    headers: headers(mail.headerLines),
  };
}

async function parse(source, make) {
  fragments = [];
  pages = [];
  try {
    return make(await simpleParser(source, { keepCidLinks: true }));
  } catch (error) {
    return { error: String(error.message || error) };
  }
}

/* An error inside of a stream has no other way out. */
let failed = () => {};
process.on("uncaughtException", (error) => failed(error));

function guarded(source, make) {
  return new Promise((resolve) => {
    failed = (error) => resolve({ error: String(error.message || error) });
    parse(source, make).then(resolve);
  });
}

async function pass(sources, make, take) {
  const start = process.cpuUsage();
  for (const source of sources) take(await guarded(source, make));
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

async function main(args) {
  const files = fs.readFileSync(0, "utf8").split("\n").filter(Boolean);
  const sources = files.map((file) => fs.readFileSync(file));
  if (args[0] !== "--time") {
    await pass(sources, payload, (result) =>
      console.log(JSON.stringify(result)));
    return;
  }
  const times = [];
  for (let i = 0; i < 3; i++) times.push(await pass(sources, () => {}, () => {}));
  console.log(Math.min(...times));
}

main(process.argv.slice(2));
