import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { defined, optionalFlag, optionalInteger, optionalText } from "@stackyard/core";
import type { StackAt, Stackyard } from "@stackyard/sdk";
import { Type } from "typebox";

import { failWith } from "../failure.ts";
import { defineServerCommand } from "../server/connection.ts";
import { stackArg } from "./stack-args.ts";

/** `stackyard stacks bundle` */
export const stacksBundle = defineServerCommand({
  name: "stacks bundle",
  summary: "Save everything about a stack in one file, to attach to an incident.",
  description:
    "The file has details, attempts with the ends of their logs, parked events, processes, up to 10,000 lines of the history and the revisions that they name; at most 32 MiB. With --html it is a page that opens with a double click, without a yard and a network. Sensitive values are masked. An existing file is not overwritten.",
  examples: {
    "stackyard stacks bundle pr-12": "Write stackyard-pr-12.json.",
    "stackyard stacks bundle pr-12 --html": "Write stackyard-pr-12.html, which opens in any browser.",
    "stackyard stacks bundle pr-12 --output - | jq .stack.summary": "Write to standard output.",
  },
  args: Type.Object({
    ...stackArg,
    html: optionalFlag("Write a page that shows the stack, instead of JSON."),
    output: optionalText("The file, or - for standard output.", { short: "o", minLength: 1, placeholder: "file" }),
  }),
  async run({ out, yard, cwd, signal }, { stack, output, html }) {
    out.progress({ kind: "progress", stackId: stack }, () => `Collecting what is known about ${stack} …`);
    const { text, cut } = await (html === true ? loadPage : loadJson)(yard, stack, signal);
    if (output === "-") {
      out.document(text);
      return 0;
    }
    const name = stack.replaceAll(/[^A-Za-z0-9._-]/g, "_").slice(0, 100);
    const file = resolve(cwd, output ?? `stackyard-${name}.${html === true ? "html" : "json"}`);
    await writeNew(file, text);
    const facts = { stackId: stack, file, bytes: Buffer.byteLength(text), ...defined({ cut }) };
    out.result(facts, () => `Wrote ${file}.`);
    if (cut !== undefined && cut.length > 0) out.note(`These lists are not whole: ${cut.join(", ")}.`);
    return 0;
  },
});

interface BundleText {
  readonly text: string;
  /** Names of the lists that are not whole. A page says so itself. */
  readonly cut?: readonly string[];
}

async function loadJson(yard: Stackyard, stackId: string, signal: AbortSignal): Promise<BundleText> {
  const bundle = await yard.stacks.bundle(stackId, { signal });
  return { text: JSON.stringify(bundle, undefined, 2), cut: bundle.cut };
}

async function loadPage(yard: Stackyard, stackId: string, signal: AbortSignal): Promise<BundleText> {
  return { text: (await yard.stacks.bundlePage(stackId, { signal })).trimEnd() };
}

/** `stackyard stacks snapshot` */
export const stacksSnapshot = defineServerCommand({
  name: "stacks snapshot",
  summary: "Print a stack as the first step of a simulation.",
  description:
    "`stackyard simulate --steps` begins with the stack, and the steps after it show what events would do to it. Sensitive values are masked.",
  examples: {
    "stackyard stacks snapshot pr-12 > steps.jsonl": "Begin a scenario with the present stack.",
    "stackyard stacks snapshot pr-12 --at 4711 > steps.jsonl":
      "Begin with the stack as it was at a position of its history.",
  },
  args: Type.Object({
    ...stackArg,
    at: optionalInteger("As it was after this position of the history, as `stacks history --json` prints it.", {
      minimum: 0,
      placeholder: "position",
    }),
  }),
  async run({ out, yard, signal }, { stack, at }) {
    const found: Partial<StackAt> =
      at === undefined ? await yard.stacks.snapshot(stack, { signal }) : await yard.stacks.at(stack, at, { signal });
    const { incomplete } = found;
    if (incomplete !== undefined) out.note(incomplete);
    if (found.stack === undefined) {
      throw failWith("STACK_UNKNOWN", `The stack "${stack}" is not known as of position ${at}.`, {
        hint: incomplete ?? "It did not exist then. `stackyard stacks history` lists its positions.",
      });
    }
    out.result({ stack: found.stack }, () => JSON.stringify({ stack: found.stack }));
  },
});

async function writeNew(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, "wx", 0o600);
    await handle.writeFile(`${text}\n`).finally(() => handle.close());
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const why = code === "EEXIST" ? "it exists already" : String(code ?? cause);
    throw failWith("USAGE", `Cannot write "${file}": ${why}.`, { hint: "Choose another file with --output." });
  }
}
