import { Composer, type Document, Lexer, LineCounter, Parser, type YAMLParseError, type YAMLWarning } from "yaml";
import type { MachineLimits } from "./machine-limits.ts";
import type { ProblemList } from "./problem-list.ts";
import { resolveYaml } from "./resolve-yaml.ts";
import type { Place, TreeNode } from "./tree.ts";
import { quote } from "./wording.ts";

type Token = Parameters<Composer["next"]>[0];

const START: Place = { line: 1, column: 1 };

/**
 * The one document of a YAML 1.2 source, merges and aliases resolved. Undefined when there is none to go on with; then a
 * problem `yaml-syntax` or `limit-exceeded` says why. Cost is bounded: depth is checked while tokens arrive, before the
 * recursive composer sees them.
 */
export function readYaml(source: string, limits: MachineLimits, problems: ProblemList): TreeNode | undefined {
  const lines = new LineCounter();
  const tokens = readTokens(source, lines, limits.maxDepth);
  if (tokens === undefined) {
    const message = `The document is nested more than ${limits.maxDepth} levels deep.`;
    problems.error("limit-exceeded", { path: [], at: START }, message);
    return undefined;
  }
  const [first, second] = composeTwo(tokens, source.length);
  const toPlace = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const told = new Set<number>();
  for (const fault of [...(first?.errors ?? []), ...(first?.warnings ?? [])]) {
    const offset = fault.pos[0];
    // One slip can break several rules of the grammar at once; the first says enough.
    if (!told.has(offset)) problems.error("yaml-syntax", { path: [], at: toPlace(offset) }, toMessage(fault));
    told.add(offset);
  }
  if (second) {
    const message = "A second document begins here. A machine is one document: remove the line with ---.";
    problems.error("yaml-syntax", { path: [], at: toPlace(second.range[0]) }, message);
  }
  if (first === undefined || problems.countErrors() > 0) return undefined;
  return resolveYaml(first.contents, { limits, toPlace, problems });
}

function readTokens(source: string, lines: LineCounter, maxDepth: number): readonly Token[] | undefined {
  const parser = new Parser(lines.addNewLine);
  // What `parse` would do first: its tokens come document by document, too late to stop at a depth.
  lines.addNewLine(0);
  const tokens: Token[] = [];
  for (const lexeme of new Lexer().lex(source)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    // The document and the innermost scalar stand on the parser's stack too.
    if (parser.stack.length > maxDepth + 2) return undefined;
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

function composeTwo(tokens: readonly Token[], length: number): readonly Document.Parsed[] {
  // `schema` also wins over a %YAML 1.1 directive, so `on` and `yes` are always texts. Duplicate keys and merges are ours.
  const options = { version: "1.2", schema: "core", merge: false, uniqueKeys: false, prettyErrors: false } as const;
  const documents: Document.Parsed[] = [];
  for (const document of new Composer(options).compose(tokens, true, length)) {
    documents.push(document);
    if (documents.length === 2) break;
  }
  return documents;
}

function toMessage(fault: YAMLParseError | YAMLWarning): string {
  if (fault.code === "TAB_AS_INDENT") return "A tab indents this line. YAML is indented by spaces.";
  return fault.message.length > 200 ? quote(fault.message) : `${fault.message.replace(/\.$/, "")}.`;
}
