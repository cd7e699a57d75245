import { expect, it } from "vitest";
import { parseArguments } from "./parse-arguments.ts";

const DEFAULTS = { npm: false, apps: [], out: "dist/release", sign: undefined, passphraseFile: undefined };

it.each([
  [[], DEFAULTS],
  [["--app", "state-manager", "--app", "task-runner"], { ...DEFAULTS, apps: ["state-manager", "task-runner"] }],
  [["--out", "x", "--sign", "key.asc"], { ...DEFAULTS, out: "x", sign: "key.asc" }],
  [["--sign", "k", "--passphrase-file", "p"], { ...DEFAULTS, sign: "k", passphraseFile: "p" }],
  [["--npm"], { ...DEFAULTS, npm: true, out: "dist/npm" }],
  [["--npm", "--out", "x"], { ...DEFAULTS, npm: true, out: "x" }],
  [["--out", "x", "--help"], "help"],
])("reads %j", (args, expected) => {
  expect(parseArguments(args)).toEqual(expected);
});

it.each([
  [["--passphrase-file", "p"], "--passphrase-file needs --sign."],
  [["--npm", "--app", "x"], "--npm excludes --app and --sign."],
  [["--npm", "--sign", "k"], "--npm excludes --app and --sign."],
  [["state-manager"], expect.stringContaining("state-manager")],
  [["--apps", "x"], expect.stringContaining("--apps")],
])("refuses %j", (args, refusal) => {
  expect(parseArguments(args)).toEqual({ refusal });
});
