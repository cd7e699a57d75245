/** A plain value of a document, as JSON. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** Keys and indexes that lead to a value, such as `["states", "LIVE", "on", "MERGED"]`. */
export type Path = readonly (string | number)[];

/** A part of the text that is replaced. Offsets are UTF-16 units of the old text. */
export interface Change {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

/** The kind of a name. */
export type NameKind = "state" | "event" | "task" | "metadata" | "target";

/** The permission of an edit where a value is shared or merged. */
interface Permission {
  /** Edits an anchored value, and with it every place that uses it. */
  readonly shared?: true;
  /** Copies what comes by a merge key to the place itself first. */
  readonly override?: true;
}

/** One reaction of a state; `index` counts the entries of a list. */
export interface ReactionPlace {
  readonly state: string;
  readonly event: string;
  readonly index?: number;
}

/** An edit of a machine's document, in the machine's own terms. */
export type Operation = Permission &
  (
    | { readonly kind: "add-state"; readonly name: string; readonly after?: string }
    | {
        readonly kind: "rename";
        readonly what: NameKind;
        readonly from: string;
        readonly to: string;
        /** Texts in expressions too that equal the name and may mean something else. */
        readonly literals?: true;
      }
    | { readonly kind: "declare-event"; readonly name: string }
    | { readonly kind: "add-reaction"; readonly state: string; readonly event: string; readonly target: string }
    | ({ readonly kind: "change-target"; readonly target: string } & ReactionPlace)
    | ({ readonly kind: "add-condition"; readonly when: string; readonly target: string } & ReactionPlace)
    | ({ readonly kind: "order-reaction"; readonly to: number } & ReactionPlace & { readonly index: number })
    | {
        readonly kind: "add-task";
        readonly state: string;
        readonly name: string;
        /** The executor of a new task. */
        readonly executor?: string;
        readonly config?: Plain;
      }
    | { readonly kind: "remove-from-state"; readonly state: string; readonly task: string }
    | {
        readonly kind: "set-key";
        readonly what: NameKind;
        readonly name: string;
        readonly key: string;
        readonly value: Plain | undefined;
      }
    /** Any value, by the keys that lead to it from the root; undefined: it is removed. */
    | { readonly kind: "set-value"; readonly path: Path; readonly value: Plain | undefined }
    /** A value in the place of others of its map, where only one of these keys is possible. */
    | { readonly kind: "choose-key"; readonly path: Path; readonly value: Plain; readonly instead: readonly string[] }
    /** In total, the first one included; undefined: the default. */
    | { readonly kind: "set-attempts"; readonly task: string; readonly attempts: number | string | undefined }
    | { readonly kind: "describe"; readonly value: string | undefined }
    | { readonly kind: "move"; readonly what: NameKind; readonly name: string; readonly after: string | undefined }
    | { readonly kind: "remove"; readonly what: NameKind; readonly name: string }
    | ({ readonly kind: "remove-reaction" } & ReactionPlace)
    | { readonly kind: "convert-to-block"; readonly path: Path }
  );

/** The edits of a kind. */
export type OperationOf<Kind extends Operation["kind"]> = {
  [Each in Operation["kind"]]: Extract<Operation, { kind: Each }>;
}[Kind];

/** Why an edit is not possible. */
export type RefusalCode =
  | "edit-shared"
  | "edit-merged"
  | "edit-flow"
  | "edit-escaped"
  | "edit-order"
  | "edit-syntax"
  | "edit-differs"
  | "edit-version"
  | "edit-missing"
  | "edit-exists"
  | "edit-handled"
  | "edit-name"
  | "edit-referenced";

/** Another edit that leads on from a refusal. */
export interface Offer {
  readonly label: string;
  readonly operation: Operation;
  /** Where else it has an effect. */
  readonly places?: readonly Range[];
}

/** A part of the text. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The refusal of an edit: its cause, its place, and the alternative. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly place: Range;
  readonly offers: readonly Offer[];
}

/** The changes of an edit, in the order of the text, or why it is refused. */
export type Plan = { readonly changes: readonly Change[] } | { readonly refusal: Refusal };

/** Ends the planning of an edit. */
export class EditRefused extends Error {
  readonly code: RefusalCode;
  readonly place: Range;
  readonly offers: readonly Offer[];

  constructor(
    code: RefusalCode,
    message: string,
    input: { readonly place?: Range; readonly offers?: readonly Offer[] } = {},
  ) {
    super(message);
    this.code = code;
    this.place = input.place ?? { from: 0, to: 0 };
    this.offers = input.offers ?? [];
  }
}
