import type { TSchema } from "typebox";
import { isMap } from "../machine/json.ts";
import { checkArgs, listPositionals } from "../ports/command.ts";
import type { PluginCommand } from "../ports/define-plugin.ts";

/** A command as a page shows it, ready to be run. */
export interface PageCommand {
  /** The line, joined when it continues over several. */
  readonly text: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * Returns those of the given commands that a Markdown page shows, in the order of the page: lines of shell blocks, and
 * inline code with arguments. Throws `USAGE` for arguments that the command does not accept, so
 * that tests can play a page as a reader would type it.
 */
export function readPageCommands(page: string, commands: readonly PluginCommand[]): readonly PageCommand[] {
  return listLines(page).flatMap(({ text, isInline }) => {
    const [program, ...words] = toWords(text.replace(/^npx --no /, ""));
    if (program !== "stackyard") return [];
    const named = commands.filter(({ name }) => `${words.join(" ")} `.startsWith(`${name} `));
    const command = named.toSorted((a, b) => b.name.length - a.name.length)[0];
    if (command === undefined) return [];
    const rest = words.slice(command.name.split(" ").length);
    // In prose, a name alone is a mention.
    if (isInline && rest.length === 0) return [];
    return [{ text, name: command.name, args: checkArgs(command, toArgs(command, rest)) }];
  });
}

interface Line {
  readonly text: string;
  readonly isInline: boolean;
}

const BLOCK = /^ *```(\w*)[^\n]*\n([\s\S]*?)^ *```$/gm;
const INLINE = /`((?:npx --no )?stackyard [^`]+)`/g;

function listLines(page: string): readonly Line[] {
  const found: (Line & { readonly at: number })[] = [];
  const prose = page.replaceAll(BLOCK, (block, language: string, body: string, at: number) => {
    const lines = language === "sh" ? body.replaceAll(/\\\n\s*/g, "").split("\n") : [];
    for (const line of lines) found.push({ text: line.trim().replace(/\s+#\s.*$/, ""), isInline: false, at });
    return " ".repeat(block.length);
  });
  for (const { 1: text = "", index: at } of prose.matchAll(INLINE)) {
    found.push({ text: text.replaceAll(/\s+/g, " "), isInline: true, at });
  }
  return found.toSorted((a, b) => a.at - b.at);
}

/** Splits a line as a shell does, as far as pages need it: spaces, and quotes around any part of a word. */
function toWords(line: string): readonly string[] {
  const words = line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  return words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double = "", single = "") => double + single));
}

function toArgs(command: PluginCommand, words: readonly string[]): Readonly<Record<string, unknown>> {
  const args: Record<string, unknown> = {};
  const free = [...listPositionals(command)];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const isFlag = word.startsWith("--");
    const name = isFlag ? toName(word) : (free.shift() ?? word);
    const schema = command.args.properties[name];
    if (isFlag && typeOf(schema) === "boolean") {
      args[name] = true;
      continue;
    }
    if (isFlag) at += 1;
    args[name] = toValue(schema, words[at], args[name]);
  }
  return args;
}

function toValue(schema: TSchema | undefined, word: string | undefined, before: unknown): unknown {
  if (typeOf(schema) === "array") return [...(Array.isArray(before) ? before : []), word];
  return typeOf(schema) === "integer" || typeOf(schema) === "number" ? Number(word) : word;
}

function typeOf(schema: TSchema | undefined): unknown {
  return isMap(schema) ? schema["type"] : undefined;
}

function toName(flag: string): string {
  return flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
