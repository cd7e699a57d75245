import type { ReactNode } from "react";
import { openText, TEMPLATE, type TextFormat, toFileText } from "./files.ts";

/** The result of saving. */
export type Saved =
  | { readonly kind: "saved" }
  /** It has changed since it was opened; saving again overwrites it. */
  | { readonly kind: "conflict"; readonly theirs: string }
  /** Nothing is saved yet: that would act on live stacks at once. Saving with the plan does what is shown, or nothing. */
  | { readonly kind: "planned"; readonly shown: ReactNode; readonly plan: string };

/** Where a document is saved. */
export interface Home {
  /** The word on the button, such as `Save to folder`. */
  readonly title: string;
  /** Saves the content of a file, or finds that it was changed meanwhile. `plan`: as was shown. */
  readonly save: (raw: string, plan?: string) => Promise<Saved>;
}

/** A document that is open in the editor. */
export interface Session {
  /** Under which drafts and positions are kept. */
  readonly key: string;
  readonly name: string;
  readonly file: string;
  /** The text as it was opened. */
  readonly text: string;
  readonly format: TextFormat;
  /** Why it cannot be changed here. */
  readonly readOnly?: string;
  readonly home?: Home;
}

/** Creates the session of a document that only this page has. */
export function createSession(file: string, raw: string): Session {
  const opened = openText(file, raw);
  return { key: `file ${file}`, ...opened };
}

/** Creates the session of a template. */
export function createTemplateSession(): Session {
  return { ...createSession("machine.yaml", TEMPLATE), key: "template" };
}

/** Creates the session of an empty document. */
export function createEmptySession(): Session {
  return { ...createSession("machine.yaml", ""), key: "new" };
}

/** Returns the text of a session in the format of its file. */
export function toRaw({ format }: Session, text: string): string {
  return toFileText(text, format);
}
