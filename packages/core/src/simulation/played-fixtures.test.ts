import { readdirSync, readFileSync } from "node:fs";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import { createSimulation, type LoadedRevision } from "./simulation.ts";
import type { SimulatedStack, SimulationLine } from "./simulation-line.ts";

// The README of the documents explains how they are written.
const folder = new URL("../../fixtures/machines-v2/", import.meta.url);

interface Case {
  readonly it: string;
  readonly machine?: object;
  /** By name; a later revision as `name@2`. */
  readonly machines?: Readonly<Record<string, object>>;
  readonly steps: readonly Readonly<Record<string, unknown>>[];
}

interface Step {
  readonly text: string;
  /** Undefined where the answer does not matter. */
  readonly answer: string | undefined;
  readonly parts: Readonly<Record<string, unknown>>;
}

const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

describe.each(files)("a simulation of %s", (file) => {
  it.each(readCases(file))("$it", (played) => {
    const { shown, expected } = play(played);

    expect(shown).toEqual(expected);
  });
});

function readCases(file: string): readonly Case[] {
  const { cases } = readYaml(readFileSync(new URL(file, folder), "utf8"));
  return cases as readonly Case[];
}

function readYaml(text: string): Readonly<Record<string, unknown>> {
  return parse(text, { merge: true, maxAliasCount: -1 }) as Readonly<Record<string, unknown>>;
}

function play(played: Case) {
  const revisions = readRevisions(played);
  const newest = [...revisions]
    .filter(([key]) => !key.includes("@"))
    .map(([key, { machine }]) => [key, machine] as const);
  const simulation = createSimulation(new Map(newest), { revisions });
  const befores = new Map<string, string>();
  const told = played.steps.map(toStep).map((step) => {
    const line = simulation.step(readStep(step.text));
    const id = line.stack?.id ?? "";
    const pair = compareLine(step, line, befores.get(id) ?? "");
    befores.set(id, toStackText(line.stack));
    return pair;
  });
  return { shown: told.map(({ shown }) => shown), expected: told.map(({ expected }) => expected) };
}

const closed = { additionalProperties: false };

const EXECUTORS: ExecutorRegistry = new Map([
  [
    "lambda",
    {
      name: "lambda",
      config: Type.Object(
        { name: Type.String({ minLength: 1 }), args: Type.Optional(Type.Record(Type.String(), Type.Unknown())) },
        closed,
      ),
      resumable: true,
    },
  ],
  [
    "terraform",
    {
      name: "terraform",
      config: Type.Object({ action: Type.Enum(["apply", "destroy"]), source: Type.Unknown() }, closed),
      resumable: false,
    },
  ],
]);

function readRevisions({ machine, machines }: Case): ReadonlyMap<string, LoadedRevision> {
  const documents = Object.entries({ ...(machine && { m: machine }), ...machines });
  return new Map(
    documents.map(([key, document]) => {
      const name = key.split("@")[0] ?? key;
      const source = JSON.stringify({ version: 2, ...document });
      return [key, { name, machine: parseMachine(source, { name, executors: EXECUTORS }).machine }];
    }),
  );
}

function toStep(written: Case["steps"][number]): Step {
  const [first] = Object.entries(written);
  const [text, answer] = "do" in written ? [written["do"], written["then"]] : (first ?? []);
  const parts = (written["where"] ?? {}) as Step["parts"];
  return { text: String(text), answer: typeof answer === "string" ? answer : undefined, parts };
}

function readStep(text: string): object {
  const [, stackId, verb = "", rest = ""] = /^(?:(\w+)\/)?(\S+)(?: (.*))?$/s.exec(text) ?? [];
  const known = readOther(verb, rest) ?? readAnswer(verb, rest);
  if (known !== undefined) return { ...known, ...(stackId !== undefined && { stackId }) };
  const { sender, ...fields } = { sender: undefined, ...readFields(rest) };
  const event = { stackId: stackId ?? "s", machine: "m", event: verb, ...fields };
  return sender === undefined ? { event } : { event, sender };
}

function readOther(verb: string, rest: string): object | undefined {
  const [target, fields = ""] = rest.split(/ (?=\{)/);
  if (verb === "wait") return { advance: target };
  if (verb === "load") return { load: target };
  return verb === "upgrade" ? { upgrade: target, ...readFields(fields) } : undefined;
}

function readAnswer(verb: string, rest: string): object | undefined {
  const result = { "+": "succeeded", "-": "failed", "~": "cancelled" }[verb.charAt(0)];
  if (result === undefined) return undefined;
  return { task: verb.slice(1).replaceAll("_", " "), result, message: "no", ...readFields(rest) };
}

function readFields(text: string): object {
  return text === "" ? {} : readYaml(text);
}

/** The actual and the expected parts of a line that the step compares. */
function compareLine({ text, answer, parts }: Step, line: SimulationLine, before: string) {
  const shown = answer === undefined ? "" : toText(answer, line, before);
  const looked = Object.entries(parts).map(([path, part]) => [path, lookUp(line, path, isSearched(part))] as const);
  return {
    shown: { text, shown, ...Object.fromEntries(looked) },
    expected: { text, shown: toPattern(answer ?? ""), ...toExpectedParts(parts) },
  };
}

function toExpectedParts(parts: Step["parts"]): object {
  return Object.fromEntries(Object.entries(parts).map(([path, value]) => [path, toExpectedPart(value)]));
}

function toExpectedPart(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (value.startsWith("!~")) return expect.not.stringContaining(value.slice(2));
  return value.startsWith("~") ? expect.stringContaining(value.slice(1)) : value;
}

function isSearched(part: unknown): boolean {
  return typeof part === "string" && /^!?~/.test(part);
}

/** A part of a line, or all of it; what is searched for a text as JSON. */
function lookUp(line: SimulationLine, path: string, searched: boolean): unknown {
  const keys = path === "" ? [] : path.split("/");
  const part = keys.reduce<unknown>(
    (value, key) => (value as Readonly<Record<string, unknown>> | undefined)?.[key],
    line,
  );
  return searched ? String(JSON.stringify(part)) : part;
}

function toPattern(answer: string): unknown {
  const { words, metadata } = splitAnswer(answer);
  const end = metadata === undefined ? "" : ` ${toSortedJson(readYaml(metadata))}`;
  if (!words.includes("*")) return words + end;
  return expect.stringMatching(
    new RegExp(`^${escapeForPattern(words).replaceAll("\\*", ".*")}${escapeForPattern(end)}$`),
  );
}

function escapeForPattern(text: string): string {
  return text.replace(/[*+{}()[\]?|^$.\\]/g, "\\$&");
}

/** An answer without the metadata at its end, and that. */
function splitAnswer(answer: string): { readonly words: string; readonly metadata: string | undefined } {
  const [, words = answer, metadata] = /^(.*?) (\{.*\})$/.exec(answer) ?? [];
  return { words, metadata };
}

/** What a line says, in as many words as the expected answer has. */
function toText(answer: string, line: SimulationLine, before: string): string {
  const { words, metadata } = splitAnswer(answer);
  const { stack, dispatched, cancelled, fired = [], others } = line;
  const now = toStackText(stack);
  const isShort = /^(refused|ignored)( [A-Z_|]+)?$/.test(words);
  return [
    ...toOutcomeWords(words, line),
    ...(isShort && now === before ? [] : [now]),
    ...toList(">", dispatched),
    ...toList("x", cancelled),
    ...fired.map(toTimerText),
    ...others.map(toOtherText),
    ...(metadata === undefined ? [] : [toSortedJson(stack?.metadata ?? {})]),
  ]
    .filter((word) => word !== "")
    .join(" ");
}

/** The outcome and its code, which the answer may leave out or name among others. */
function toOutcomeWords(words: string, { outcome, code = "" }: SimulationLine): readonly string[] {
  const expected = words.split(" ")[1];
  if (expected === undefined) return [outcome];
  return [outcome, expected.split("|").includes(code) ? expected : code];
}

function toOtherText({ id, stack, dispatched }: SimulationLine["others"][number]): string {
  return `&${id}(${[toStackText(stack) || "gone", ...toList(">", dispatched)].join(" ")})`;
}

function toStackText(stack: SimulatedStack | null): string {
  if (stack === null) return "";
  const { state, previousState, tasks, failed, overdue, stalled } = stack;
  const marks = Object.entries({ failed, overdue, stalled }).flatMap(([mark, is]) => (is ? [`+${mark}`] : []));
  return [
    previousState === null ? state : `${state}<${previousState}`,
    ...tasks.map(({ name, status, detail }) => `${name.replaceAll(" ", "_")}:${detail ?? status}`),
    ...marks,
  ].join(" ");
}

function toTimerText({
  stackId,
  timer,
  task,
  event,
  outcome,
  code,
}: NonNullable<SimulationLine["fired"]>[number]): string {
  const of = task ?? (timer === "after" ? event : undefined);
  const end = outcome === "applied" ? "" : `=${outcome}`;
  return `@${stackId === "s" ? "" : `${stackId}/`}${[timer, of].filter(Boolean).join(":")}${end}${code ? `:${code}` : ""}`;
}

function toList(sign: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${sign}${names.map((name) => name.replaceAll(" ", "_")).join(",")}`];
}

function toSortedJson(map: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))));
}
