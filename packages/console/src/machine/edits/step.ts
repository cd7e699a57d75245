import type { Path, Plain } from "./operation.ts";

/** One edit of a document's structure. Paths are those of values as they are written, through no alias and no merge key. */
export type Step =
  /** Replaces a scalar; `expression` keeps how it is written, and refuses where that is not possible. */
  | { readonly kind: "set"; readonly path: Path; readonly value: Plain; readonly expression?: true }
  /** Replaces a value by any other one. */
  | { readonly kind: "replace"; readonly path: Path; readonly value: Plain }
  | { readonly kind: "rename-key"; readonly path: Path; readonly to: string }
  /** A new entry of a map, after one of its own keys; without `after` the last one. */
  | {
      readonly kind: "insert-entry";
      readonly path: Path;
      readonly key: string;
      readonly value: Plain;
      readonly after?: string;
    }
  | { readonly kind: "insert-item"; readonly path: Path; readonly index: number; readonly value: Plain }
  | { readonly kind: "remove"; readonly path: Path }
  /** Moves an entry or item within its map or list, to this index of the result. */
  | { readonly kind: "move"; readonly path: Path; readonly to: number }
  | { readonly kind: "to-block"; readonly path: Path };

/** Returns the scope of a step: two steps with disjoint scopes can be planned on one text. */
export function scopeOf(step: Step): Path {
  switch (step.kind) {
    case "remove":
    case "move":
      return step.path.slice(0, -1);
    default:
      return step.path;
  }
}
