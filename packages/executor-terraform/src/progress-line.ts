import { toDiagnosticText } from "./diagnostic.ts";
import type { ResourceMessage, StreamMessage } from "./stream-message.ts";

const VERBS: ReadonlyMap<string, string> = new Map([
  ["create", "creating"],
  ["update", "updating"],
  ["delete", "destroying"],
  ["read", "reading"],
  ["replace", "replacing"],
  ["noop", "checking"],
]);

/** The lines that a message is worth to a person who watches. */
export function toProgressLines(message: StreamMessage): readonly string[] {
  return toText(message)
    .split(/\r?\n/)
    .map(toPlainText)
    .filter((line) => line.trim() !== "");
}

function toText(message: StreamMessage): string {
  switch (message.kind) {
    case "diagnostic":
      return toDiagnosticText(message.diagnostic);
    case "resource":
      return toResourceText(message);
    case "provisioner":
      return `${message.address} (${message.provisioner}): ${message.output}`;
    case "planned":
      return `${message.address}: to ${message.action}`;
    case "summary":
    case "other":
      return message.text;
    case "outputs":
      return "";
  }
}

function toResourceText({ address, action, phase, elapsedSeconds }: ResourceMessage): string {
  const begun = `${address}: ${VERBS.get(action) ?? action}…`;
  switch (phase) {
    case "start":
      return begun;
    case "progress":
      return `${begun} ${elapsedSeconds}s`;
    case "complete":
      return `${begun} done after ${elapsedSeconds}s`;
    case "errored":
      return `${begun} failed after ${elapsedSeconds}s`;
  }
}

/** Output of a provisioner may hold control characters, which would reach a terminal. */
function toPlainText(line: string): string {
  return line.replace(/[^\P{Cc}\t]/gu, "");
}
