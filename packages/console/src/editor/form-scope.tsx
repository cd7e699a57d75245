import type { Problem } from "@stackyard/core/machine";
import { createContext, useContext } from "react";
import { Text } from "../design/text.tsx";
import type { Path, Plain } from "../machine/edits/operation.ts";
import type { JsonSchema } from "../machine/messages.ts";
import type { Edit } from "./edit.ts";

/** The scope that all fields of a document share. */
export interface FormScope {
  readonly edit: Edit;
  /** The problems of the whole document. */
  readonly problems: readonly Problem[];
  /** Returns the names of the document that a value at this path can be. */
  readonly namesAt: (path: Path) => readonly string[];
  /** Returns the names of the document that the keys of the map at this path can be. */
  readonly keysAt: (path: Path) => readonly string[];
  /** Returns what the document itself says about a value at this path. */
  readonly schemaAt: (path: Path) => JsonSchema | undefined;
}

/** The scope of the fields inside it. */
export const Scope = createContext<FormScope>({
  edit: () => {},
  problems: [],
  namesAt: () => [],
  keysAt: () => [],
  schemaAt: () => undefined,
});

/** Gives the fields inside it what they share. */
export const FormScopeProvider = Scope.Provider;

/** The props of every field. */
export interface ValueProps {
  /** The schema that references are looked up in. */
  readonly root: JsonSchema;
  /** The keys that lead to the value from the root of the document. */
  readonly path: Path;
  /** The owner of the value: `app`, `retry of app`. */
  readonly owner: string;
  /** The end of labels: ` of app`; nothing where the form as a whole says what it belongs to. */
  readonly of: string;
  readonly value: Plain | undefined;
}

/** Returns the problems of a value that the check of the machine has found: only about itself, or also about what is inside it. */
export function useProblems(path: Path, part: "own" | "inside"): readonly Problem[] {
  const { problems } = useContext(Scope);
  const at = path.join(".");
  return problems.filter((each) => each.path === at || (part === "inside" && each.path.startsWith(`${at}.`)));
}

/** Renders what the check of the machine says. */
export function Messages({ problems }: { problems: readonly Problem[] }) {
  return problems.map(({ code, message, severity }) => (
    <p key={`${code} ${message}`} className={severity === "error" ? "tone-fail" : "tone-warn"}>
      <Text>{message}</Text> <span className="mono">{code}</span>
    </p>
  ));
}
