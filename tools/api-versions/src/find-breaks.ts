import openapi, { astToString } from "openapi-typescript";
import ts from "typescript";
import type { ApiDocument } from "./load-document.ts";
import { toView, type View } from "./to-view.ts";

/** One way in which clients that were written for a document do not fit a later one. */
export interface Break {
  /** Such as `GET /v1/stacks`. */
  readonly operation: string;
  readonly message: string;
}

/**
 * Finds what clients of a document lose with a later one. Both become types, and a compiler decides: answers of the later one must
 * be assignable to those of the earlier one, requests of the earlier one to those of the later one, and nothing that was there is missing.
 */
export async function findBreaks(before: ApiDocument, now: ApiDocument): Promise<readonly Break[]> {
  const operations = listOperations(before);
  const known = new Set(listOperations(now).map(({ name }) => name));
  const kept = operations.filter(({ name }) => known.has(name));
  const checks = kept.flatMap(toChecks);
  const files = new Map([["check.ts", [...IMPORTS, ...checks.map(({ text }) => text)].join("\n")]]);
  for (const view of VIEWS) {
    files.set(`${view}-before.ts`, await toTypes(toView(before, view)));
    files.set(`${view}-now.ts`, await toTypes(toView(now, view)));
  }
  const removed = operations.filter(({ name }) => !known.has(name));
  const breaks = [
    ...removed.map(({ name }) => ({ operation: name, message: "The operation is missing." })),
    ...compile(files).map(({ line, message }) => toBreak(checks[line - IMPORTS.length], message)),
  ];
  return [...new Map(breaks.map((each) => [`${each.operation} ${each.message}`, each])).values()];
}

const VIEWS: readonly View[] = ["requests", "answers", "whole"];
const IMPORTS = VIEWS.flatMap((view) => [
  `import type { paths as ${view}_before } from "./${view}-before.ts";`,
  `import type { paths as ${view}_now } from "./${view}-now.ts";`,
]);

interface Operation {
  readonly name: string;
  readonly path: string;
  readonly method: string;
  readonly parts: readonly string[];
}

function listOperations({ paths }: ApiDocument): readonly Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      method,
      parts: [
        ...new Set(parameters.map((parameter) => `["parameters"]["${parameter.in}"]`)),
        ...(requestBody === undefined ? [] : ['["requestBody"]']),
        '["responses"]',
      ],
    })),
  );
}

/** A line of the type test. */
interface Check {
  readonly operation: string;
  readonly text: string;
}

function toChecks({ name: operation, path, method, parts }: Operation): readonly Check[] {
  const at = `["${path}"]["${method}"]`;
  const toCheck = (from: string, to: string) => ({ operation, text: `void ((x: ${from}): ${to} => x);` });
  const request = (document: string) => `Pick<requests_${document}${at}, "parameters" | "requestBody">`;
  return [
    toCheck(request("before"), request("now")),
    toCheck(`answers_now${at}["responses"]`, `answers_before${at}["responses"]`),
    ...parts.map((part) => toCheck(`whole_now${at}${part}`, `whole_before${at}${part}`)),
  ];
}

async function toTypes(document: ApiDocument): Promise<string> {
  return astToString(await openapi(JSON.stringify(document), { silent: true }));
}

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  exactOptionalPropertyTypes: true,
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es5.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  types: [],
};

interface Complaint {
  readonly line: number;
  readonly message: string;
}

/** Compiles files that are nowhere but in memory. Throws where something else than `check.ts` is wrong. */
function compile(files: ReadonlyMap<string, string>): readonly Complaint[] {
  const host = ts.createCompilerHost(OPTIONS);
  const onDisk = host.getSourceFile;
  const toFile = (path: string) => files.get(path.replace(/^.*\//, ""));
  host.fileExists = (path) => toFile(path) !== undefined || ts.sys.fileExists(path);
  host.getSourceFile = (path, options, ...rest) => {
    const text = toFile(path);
    return text === undefined ? onDisk(path, options, ...rest) : ts.createSourceFile(path, text, options);
  };
  const program = ts.createProgram(["check.ts"], OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, "\n");
    if (file?.fileName.endsWith("check.ts") !== true) throw new Error(`${file?.fileName}: ${message}`);
    return { line: file.getLineAndCharacterOfPosition(start).line, message };
  });
}

function toBreak(check: Check | undefined, message: string): Break {
  if (check === undefined) throw new Error(message);
  // The last line says what is wrong, those before it where the compiler looked.
  return { operation: check.operation, message: message.split("\n").at(-1)?.trim() ?? message };
}
