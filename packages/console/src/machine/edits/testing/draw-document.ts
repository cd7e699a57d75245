// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import type { Plain } from "../operation.ts";
import { isPlainText } from "../render.ts";
import type { Random } from "./random.ts";

/** How a drawn document is written. */
export interface DocumentStyle {
  readonly step: number;
  readonly listStep: number;
  readonly quotes: "plain" | "double" | "single" | "mixed";
  readonly comments: number;
  readonly flow: number;
  readonly pad: boolean;
  readonly eol: string;
  readonly bom: boolean;
  readonly anchors: boolean;
  readonly finalLine: boolean;
  /** The share of forms that are rare: blocks of lines, text or braces over several lines, tags, tabs, empty values. */
  readonly forms: number;
}

/** A machine's text, and how it is written. */
export interface DrawnDocument {
  readonly text: string;
  readonly style: DocumentStyle;
}

type Tree = { readonly [key: string]: Plain };

/** Draws the text of a machine that core accepts in most cases, written in any style, with a few names or with many. */
export function drawDocument(random: Random, most = random.chance(0.7) ? 2 : NAMES.length): DrawnDocument {
  const style: DocumentStyle = {
    step: random.pick([2, 2, 3, 4]),
    listStep: random.pick([0, 2, 4]),
    quotes: random.pick(["plain", "plain", "double", "single", "mixed"]),
    comments: random.pick([0, 0.15, 0.4]),
    flow: random.pick([0, 0.3, 0.8]),
    pad: random.chance(0.5),
    eol: random.chance(0.25) ? "\r\n" : "\n",
    bom: random.chance(0.1),
    anchors: random.chance(0.3),
    finalLine: random.chance(0.9),
    forms: random.pick([0, 0, 0.15, 0.4]),
  };
  const value = drawMachine(random, most);
  const writer: Writer = { random, style, anchors: new Map(), names: 0, comments: 0 };
  const head = random.chance(style.comments) ? ["# The head.", ""] : [];
  const marker = random.chance(style.forms) ? ["---"] : [];
  const lines = [...head, ...marker, ...writeMap(writer, value)];
  const isMixed = random.chance(style.forms / 4);
  const ends = lines.map((_, index) =>
    index < lines.length - 1 || style.finalLine ? (isMixed ? random.pick(["\n", "\r\n"]) : style.eol) : "",
  );
  const text = lines.map((line, index) => line + ends[index]).join("");
  return { text: (style.bom ? "\uFEFF" : "") + text, style };
}

const NAMES = ["INIT", "LIVE", "BUILD", "CLEAN-UP", "BROKEN", "ROLL-OUT", "S2", "NO"];
const EVENTS = ["OPENED", "PUSHED", "MERGED", "KEEP-ON", "DONE"];
const TASKS = ["app", "network", "make db", "sign-off", "x"];
const KEYS = ["sha", "image", "to-do", "url"];

function drawMachine(random: Random, most: number): Tree {
  const version = random.chance(0.3) ? 1 : 2;
  const some = (names: readonly string[], least: number) =>
    names.slice(0, least + random.below(Math.min(most, names.length - least) + 1));
  const states = some(NAMES, 2);
  const events = some(EVENTS, 1);
  const tasks = some(TASKS, 0);
  const keys = some(KEYS, 0);
  const names = { states, events, tasks, keys };
  const eventsPart: Plain =
    version === 1 || random.chance(0.4)
      ? events
      : Object.fromEntries(
          events.map((name) => [name, keys.length > 0 && random.chance(0.3) ? { metadata: [random.pick(keys)] } : {}]),
        );
  const metadata = Object.fromEntries(
    keys.map((key) => [key, random.chance(0.3) ? {} : { type: "string", pattern: "^[a-z: #]+$" }]),
  );
  return {
    version,
    ...(version === 2 && random.chance(0.5) && { description: "It's a machine: for tests #1" }),
    events: eventsPart,
    ...(version === 2 && keys.length > 0 && { metadata }),
    ...(version === 2 &&
      random.chance(0.3) && { targets: { preview: { account: "111122223333", region: "eu-west-1" } } }),
    states: Object.fromEntries(states.map((name) => [name, drawState(random, names, version)])),
    tasks: Object.fromEntries(tasks.map((name) => [name, drawTask(random, names, { name, version })])),
  };
}

interface Names {
  readonly states: readonly string[];
  readonly events: readonly string[];
  readonly tasks: readonly string[];
  readonly keys: readonly string[];
}

function drawState(random: Random, names: Names, version: number): Tree {
  const handled = names.events.filter(() => random.chance(0.5));
  const on = Object.fromEntries(handled.map((event) => [event, drawReaction(random, names, version)]));
  const tasks = names.tasks.filter(() => random.chance(0.4));
  return {
    ...(random.chance(0.2) && { terminal: true }),
    ...(tasks.length > 0 && { tasks }),
    ...(version === 2 && random.chance(0.2) && { timeout: "45m" }),
    ...(version === 2 &&
      handled.length > 0 &&
      random.chance(0.3) && { after: [{ ...drawTime(random, names), event: random.pick(handled) }] }),
    ...((handled.length > 0 || random.chance(0.2)) && { on }),
    ...(version === 2 && names.tasks.length > 0 && random.chance(0.2) && { approved: [random.pick(names.tasks)] }),
  };
}

function drawTime(random: Random, { keys }: Names): Tree {
  if (keys.length > 0 && random.chance(0.3)) return { at: `\${metadata.${random.pick(keys)}}` };
  return random.chance(0.3) ? { cron: "0 3 * * *", zone: "Europe/Berlin" } : { in: "72h" };
}

function drawReaction(random: Random, names: Names, version: number): Plain {
  const target = random.pick(names.states);
  const action = random.chance(0.2) ? { action: "no-op" } : { action: "advance", state: target };
  if (version === 1) return random.chance(0.1) ? [] : [action];
  if (random.chance(0.6)) return random.chance(0.1) ? "no-op" : target;
  const whens = [
    `stack.visits[${JSON.stringify(target)}] < 3`,
    "stack.visits.LIVE < 3 && stack.state == 'LIVE'",
    "has(metadata.sha) || event.name in ['PUSHED', 'DONE']",
    "event.name == 'OPENED' // LIVE",
    "metadata['to-do'] != null",
  ];
  const set =
    names.keys.length > 0 && random.chance(0.4) ? { set: { [random.pick(names.keys)]: "at ${stack.state}" } } : {};
  const raise = random.chance(0.3) && { raise: random.pick(names.events) };
  return [{ when: random.pick(whens), action: "advance", state: random.pick(names.states), ...set, ...raise }, action];
}

function drawTask(random: Random, names: Names, { name, version }: { name: string; version: number }): Tree {
  const others = names.tasks.filter((other) => other !== name);
  const text = random.pick([
    "plain",
    "${metadata.sha}",
    "a ${tasks.app.outputs.x + 'app'} b",
    "${tasks['sign-off'].status}",
    "yes: no",
  ]);
  return {
    executor: "lambda",
    ...(version === 2 && others.length > 0 && random.chance(0.3) && { needs: [random.pick(others)] }),
    ...(version === 2 && random.chance(0.2) && { retry: { attempts: 3, backoff: { from: "2s" } } }),
    ...(version === 2 &&
      names.keys.length > 0 &&
      random.chance(0.3) && { outputs: { [random.pick(names.keys)]: "out" } }),
    config: { name: "f", args: { text, list: [1, "two", null], deep: { a: true } } },
  };
}

interface Writer {
  readonly random: Random;
  readonly style: DocumentStyle;
  /** What was written with an anchor, by its JSON. */
  readonly anchors: Map<string, string>;
  names: number;
  comments: number;
}

function isCollection(value: Plain): value is readonly Plain[] | Tree {
  return typeof value === "object" && value !== null;
}

function writeScalar({ random, style }: Writer, value: Plain): string {
  if (typeof value !== "string") return String(value);
  const quotes = style.quotes === "mixed" ? random.pick(["plain", "double", "single"]) : style.quotes;
  if (quotes === "plain" && isPlainText(value)) return value;
  return quotes === "single" && !value.includes("\n") ? `'${value.replaceAll("'", "''")}'` : JSON.stringify(value);
}

function writeFlow(writer: Writer, value: Plain): string {
  if (!isCollection(value)) return writeScalar(writer, value);
  const pad = writer.style.pad && Object.keys(value).length > 0 ? " " : "";
  if (Array.isArray(value)) return `[${pad}${value.map((item) => writeFlow(writer, item)).join(", ")}${pad}]`;
  const entries = Object.entries(value).map(
    ([key, inner]) => `${writeScalar(writer, key)}: ${writeFlow(writer, inner as Plain)}`,
  );
  return `{${pad}${entries.join(", ")}${pad}}`;
}

function comment(writer: Writer): string {
  writer.comments += 1;
  return `# comment ${writer.comments}: { x, "`;
}

function trailing(writer: Writer): string {
  const { random, style } = writer;
  if (random.chance(style.comments / 2)) return `${random.chance(style.forms) ? " \t" : "  "}${comment(writer)}`;
  return random.chance(style.forms / 4) ? " " : "";
}

function above(writer: Writer): readonly string[] {
  const { random, style } = writer;
  const blank = random.chance(0.1) ? [""] : [];
  if (!random.chance(style.comments)) return blank;
  const apart = random.chance(style.forms) ? [""] : [];
  return [...blank, `${random.chance(style.forms) ? " " : ""}${comment(writer)}`, ...apart];
}

function writeMap(writer: Writer, map: Tree): string[] {
  return Object.entries(map).flatMap(([key, value]) => [
    ...above(writer),
    ...writeEntry(writer, writeScalar(writer, key), value as Plain),
  ]);
}

function writeEntry(writer: Writer, key: string, value: Plain): string[] {
  const { random, style } = writer;
  const json = JSON.stringify(value);
  const known = writer.anchors.get(json);
  if (known !== undefined && random.chance(0.5)) return [`${key}: *${known}${trailing(writer)}`];
  const isAnchorable = isCollection(value) ? Object.keys(value).length > 0 : random.chance(style.forms);
  const anchored = style.anchors && isAnchorable && random.chance(0.3);
  if (anchored) writer.names += 1;
  const name = `a${writer.names}`;
  const anchor = anchored ? ` &${name}` : "";
  const lines = writeValue(writer, { key, anchor }, value);
  if (anchored) writer.anchors.set(json, name);
  return lines;
}

function writeValue(writer: Writer, { key, anchor }: { key: string; anchor: string }, value: Plain): string[] {
  const { random, style } = writer;
  const indent = (by: number) => (line: string) => (line === "" ? "" : " ".repeat(by) + line);
  const isDeep = key.length > 0 && ["states", "tasks"].includes(key);
  const rare = random.chance(style.forms) ? writeRarely(writer, value) : undefined;
  if (rare !== undefined && !isDeep) {
    const [first = "", ...rest] = rare;
    return [`${key}:${anchor}${first}`, ...rest.map(indent(style.step))];
  }
  if (!isCollection(value) || Object.keys(value).length === 0 || (!isDeep && random.chance(style.flow))) {
    return [`${key}:${anchor} ${writeFlow(writer, value)}${trailing(writer)}`];
  }
  const head = `${key}:${anchor}${trailing(writer)}`;
  if (Array.isArray(value)) {
    const items = value.flatMap((item) => [...above(writer), ...writeItem(writer, item)]);
    return [head, ...items.map(indent(style.listStep))];
  }
  return [head, ...writeMap(writer, value as Tree).map(indent(style.step))];
}

/** Writes a value in a rare form: what follows on the line of its key or dash, and lines to indent. */
function writeRarely(writer: Writer, value: Plain): readonly string[] | undefined {
  const { random } = writer;
  if (value === null) return [trailing(writer)];
  if (isCollection(value)) return writeFlowLines(writer, value);
  if (typeof value !== "string") return undefined;
  const words = writeScalar(writer, value).split(" ");
  switch (random.below(3)) {
    case 0:
      return [` ${random.pick(["|-", ">-", "|", "|2-"])}${trailing(writer)}`, `  ${value}`];
    case 1:
      return [` !!str ${words.join(" ")}${trailing(writer)}`];
    default:
      return words.length > 1 ? [` ${words[0]}`, `  ${words.slice(1).join(" ")}${trailing(writer)}`] : undefined;
  }
}

function writeFlowLines(writer: Writer, value: readonly Plain[] | Tree): readonly string[] | undefined {
  const parts = Array.isArray(value)
    ? value.map((item) => writeFlow(writer, item))
    : Object.entries(value).map(([key, inner]) => `${writeScalar(writer, key)}: ${writeFlow(writer, inner as Plain)}`);
  if (parts.length === 0) return undefined;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const isOpen = writer.random.chance(0.5);
  const last = `${isOpen && writer.random.chance(0.5) ? "," : ""} ${close}${trailing(writer)}`;
  return [
    ` ${open}`,
    ...parts.map((part, index) => `  ${part}${index < parts.length - 1 ? `,${trailing(writer)}` : last}`),
  ];
}

function writeItem(writer: Writer, value: Plain): string[] {
  const { random, style } = writer;
  const rare = random.chance(style.forms) ? writeRarely(writer, value) : undefined;
  if (rare !== undefined) return rare.map((line, index) => (index === 0 ? `-${line}` : `  ${line}`));
  if (
    !isCollection(value) ||
    Array.isArray(value) ||
    Object.keys(value).length === 0 ||
    random.chance(0.3 + style.flow)
  ) {
    return [`- ${writeFlow(writer, value)}${trailing(writer)}`];
  }
  const lines = Object.entries(value).flatMap(([key, inner], index) => [
    ...(index === 0 ? [] : above(writer)),
    ...writeEntry(writer, writeScalar(writer, key), inner as Plain),
  ]);
  return lines.map((line, index) => (index === 0 ? `- ${line}` : line === "" ? "" : `  ${line}`));
}
