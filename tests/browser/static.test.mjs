// The pages' files by themselves: what the content security policy and the house rules need.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./harness.mjs";

const WEB = join(ROOT, "connectors/src/web");
const DESK = join(ROOT, "bot/src/desk/page");
const WIDGET = join(WEB, "widget/widget.js");
const files = [WIDGET, ...[WEB, DESK].flatMap((folder) =>
  readdirSync(folder).filter((name) => /\.(html|js|css|svg)$/.test(name))
    .map((name) => join(folder, name)))];
const read = (file) => readFileSync(file, "utf8");

test("pages hold no inline script or style", () => {
  for (const file of files.filter((name) => name.endsWith(".html"))) {
    const text = read(file);
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)/, file);
    assert.doesNotMatch(text, /<style|\sstyle=|\son[a-z]+=/, file);
  }
});

test("everything a page asks for is served by us and exists", () => {
  for (const file of files.filter((name) => name.endsWith(".html"))) {
    const asked = [...read(file).matchAll(/<(?:script|link|img)\b[^>]*?(?:src|href)="([^"]+)"/g)];
    assert.ok(asked.length >= 3, file);
    for (const [, address] of asked) {
      assert.match(address, /^\/(widget\.js|assets\/[\w.-]+)$/, file);
      const name = address.split("/").at(-1);
      assert.ok(files.some((known) => known.endsWith(`/${name}`)), `${address} of ${file}`);
    }
  }
});

test("what a customer or an article says never becomes markup", () => {
  for (const file of files.filter((name) => name.endsWith(".js"))) {
    assert.doesNotMatch(read(file),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc/, file);
  }
});

test("the widget says everything in each of its languages", () => {
  const [, table] = /const STRINGS = \{([\s\S]*?)\n {2}\};/.exec(read(WIDGET));
  const languages = Object.fromEntries([...table.matchAll(/\n {4}(\w+): \{([\s\S]*?)\n {4}\}/g)]
    .map(([, language, words]) => [language, words]));
  const texts = (words) => Object.fromEntries(
    [...words.matchAll(/\n {6}(\w+): "(.*)",/g)].map(([, name, text]) => [name, text]));
  const english = texts(languages.en);
  assert.ok(Object.keys(english).length > 40);
  for (const [language, words] of Object.entries(languages)) {
    const own = texts(words);
    assert.deepEqual(Object.keys(own), Object.keys(english), language);
    for (const [name, text] of Object.entries(own)) {
      const holes = (from) => (from.match(/\{\w+\}/g) ?? []).sort();
      assert.deepEqual(holes(text), holes(english[name]), `${language}.${name}`);
    }
  }
});

test("the widget says nothing that it never shows", () => {
  const code = read(WIDGET);
  const [, english] = /\n {4}en: \{([\s\S]*?)\n {4}\}/.exec(code);
  for (const [, name] of english.matchAll(/\n {6}(\w+): "/g)) {
    const used = code.split(`"${name}"`).length > 1;
    assert.ok(used, `${name} is never used`);
  }
});

test("the lock files name no registry", () => {
  for (const folder of ["browser", "peers"]) {
    assert.doesNotMatch(read(join(ROOT, `tests/${folder}/package-lock.json`)), /"resolved"/);
  }
});
