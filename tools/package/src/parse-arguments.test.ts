import { expect, it } from "vitest";
import { parseArguments } from "./parse-arguments.ts";

const DEFAULTS = { apps: [], out: "dist/release", sign: undefined, passphraseFile: undefined };

it.each([
  [[], DEFAULTS],
  [["--app", "state-manager", "--app", "task-runner"], { ...DEFAULTS, apps: ["state-manager", "task-runner"] }],
  [["--out", "x", "--sign", "key.asc"], { ...DEFAULTS, out: "x", sign: "key.asc" }],
  [["--sign", "k", "--passphrase-file", "p"], { ...DEFAULTS, sign: "k", passphraseFile: "p" }],
  [["--out", "x", "--help"], "help"],
])("reads %j", (args, expected) => {
  expect(parseArguments(args)).toEqual(expected);
});

it.each([
  [["--passphrase-file", "p"], "--passphrase-file needs --sign."],
  [["state-manager"], expect.stringContaining("state-manager")],
  [["--apps", "x"], expect.stringContaining("--apps")],
])("refuses %j", (args, refusal) => {
  expect(parseArguments(args)).toEqual({ refusal });
});
