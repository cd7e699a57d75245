import { styleText } from "node:util";
import type { CommandOutput } from "@stackyard/core";
import { toColoredText, toJsonText, toPlainText } from "./clean-text.ts";
import { createLiveBlock } from "./live-block.ts";
import type { OutputStream } from "./output-stream.ts";

export interface OutputOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Results as JSON, one object a line. */
  readonly json: boolean;
  /** Results and errors only: no notes, no progress. Default: false. */
  readonly quiet?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Looks of words. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** How a command speaks. Results go to standard output; what is for people goes to standard error. */
export interface Output extends CommandOutput {
  readonly json: boolean;
  /** True when a person looks at the results. */
  readonly interactive: boolean;
  /** Text as it stands, such as a graph or a script; never as JSON. */
  text(text: string): void;
  /** A lasting line of long work: to people on standard error; with `--json` one object on standard output. */
  step(value: Readonly<Record<string, unknown>>, toText: () => string): void;
  /** A line of a log: on standard error, with `--json` as an object. */
  log(value: Readonly<Record<string, unknown>>, toText: () => string): void;
  /** Takes the live lines away. */
  settle(): void;
  /** Colours a word; taken off again where colours are not wanted. */
  paint(style: Style, text: string): string;
}

/** An output for these streams. */
export function createOutput({ stdout, stderr, json, quiet = false, env }: OutputOptions): Output {
  const results = createWriter(stdout, env);
  const people = createWriter(stderr, env);
  const live = createLiveBlock(stderr, people, { color: wantsColor(stderr, env) });
  const print = (value: unknown, toText: () => string) => {
    live.clear();
    results(json ? toJsonText(value) : toText());
  };
  const tell = (text: string) => {
    if (json || quiet) return;
    live.clear();
    people(text);
  };
  const report = (value: Readonly<Record<string, unknown>>, toPeople: () => void) => {
    if (quiet) return;
    if (json) results(toJsonText(value));
    else toPeople();
  };
  return {
    json,
    interactive: !json && stdout.isTTY === true,
    get columns() {
      return !json && stdout.isTTY === true ? stdout.columns || undefined : undefined;
    },
    result: print,
    text(text) {
      live.clear();
      results(text);
    },
    progress: (value, toText, toBlock) => report(value, () => live.show(toText, toBlock)),
    step: (value, toText) => report(value, () => tell(toText())),
    note: tell,
    log(value, toText) {
      live.clear();
      people(json ? toJsonText(value) : toText());
    },
    settle: live.clear,
    paint: (style, text) => styleText(style, text, { validateStream: false }),
  };
}

/** True where colours are wanted: a terminal, unless `NO_COLOR` (no-color.org) says no or `FORCE_COLOR` says yes. */
export function wantsColor(stream: OutputStream, env: OutputOptions["env"]): boolean {
  if (env["NO_COLOR"]) return false;
  if (env["FORCE_COLOR"]) return env["FORCE_COLOR"] !== "0";
  return stream.isTTY === true && env["TERM"] !== "dumb";
}

function createWriter(stream: OutputStream, env: OutputOptions["env"]): (text: string) => void {
  const color = wantsColor(stream, env);
  return (text) => {
    if (text === "") return;
    const clean = color ? toColoredText(text) : toPlainText(text);
    stream.write(clean.endsWith("\n") ? clean : `${clean}\n`);
  };
}
