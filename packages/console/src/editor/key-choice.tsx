import { cutText } from "@stackyard/core";
import { useContext, useId, useState } from "react";
import type { JsonSchema } from "../machine/messages.ts";
import { toSafeText } from "../text/safe-text.ts";
import { isEntry } from "./entry-control.tsx";
import { toAnyText } from "./entry-text.ts";
import { Messages, Scope, type ValueProps } from "./form-scope.tsx";
import { listReplaced, type SchemaField, toEmpty, toMap, toShapes, type Values } from "./schema-field.ts";

/** Which one of several keys a map has, or gets. */
interface KeyChoice {
  /** The chosen key; undefined where the map has several of them. */
  readonly chosen: string | undefined;
  /** The keys of the map that go when the chosen one gets a value. */
  readonly instead: readonly string[];
  /** The keys without a field. */
  readonly hidden: ReadonlySet<string>;
  readonly choose: (key: string) => void;
}

/** Returns which of the keys a map has, or gets by the choice of the user. */
export function useKeyChoice(schemas: readonly JsonSchema[], keys: readonly string[], map: Values): KeyChoice {
  const present = keys.filter((key) => map[key] !== undefined);
  const before = present.join("\n");
  const [picked, setPicked] = useState({ key: "", before });
  // The text changes with the value, not with the choice; when it gets another key, that is the choice.
  if (picked.before !== before) setPicked({ key: "", before });
  const own = present.length > 1 ? undefined : (present[0] ?? keys[0]);
  const chosen = picked.key === "" || picked.before !== before ? own : picked.key;
  const replaced = listReplaced(schemas, chosen);
  return {
    chosen,
    instead: chosen === undefined ? [] : replaced.filter((key) => map[key] !== undefined),
    hidden: new Set(replaced.filter((key) => map[key] === undefined || chosen !== own)),
    choose: (key) => setPicked({ key, before }),
  };
}

interface KeyChoiceProps extends ValueProps {
  readonly schemas: readonly JsonSchema[];
  /** Those that the map can have one of. */
  readonly fields: readonly SchemaField[];
  readonly choice: KeyChoice;
}

/** Renders which of several keys a map has. The text changes when the chosen one gets a value. */
export function KeyChoiceField({ schemas, fields, root, path, owner, of, value, choice }: KeyChoiceProps) {
  const { edit, problems } = useContext(Scope);
  const id = useId();
  const { chosen, hidden } = choice;
  const map = toMap(value);
  const labels = fields.map(({ label }, index) => (index === 0 ? label : label.toLowerCase()));
  const title = `${labels.slice(0, -1).join(", ")} or ${labels.at(-1)}`;
  // Without any of them, the check speaks of the first one.
  const missing = fields.flatMap(({ key }) =>
    hidden.has(key) && map[key] === undefined ? [...path, key].join(".") : [],
  );
  const choose = ({ key, schema }: SchemaField) => {
    choice.choose(key);
    const [shape] = toShapes(schema, root);
    // A key that is there takes the place of the others at once. What is not one entry begins empty.
    const begun = map[key] ?? (shape === undefined || isEntry(shape) ? undefined : toEmpty(shape));
    if (begun === undefined) return;
    const instead = listReplaced(schemas, key);
    edit({ kind: "choose-key", path: [...path, key], value: begun, instead }, `${key} of ${owner}`);
  };
  return (
    <div className="schema-field">
      <div className="schema-entry">
        <label htmlFor={id}>{toSafeText(title)}</label>
        <select
          id={id}
          className="input"
          aria-label={toSafeText(`${title}${of}`)}
          value={chosen ?? ""}
          onChange={({ target }) => {
            const found = fields.find(({ key }) => key === target.value);
            if (found !== undefined) choose(found);
          }}
        >
          {chosen === undefined && <option value="">–</option>}
          {fields.map(({ key, label }) => (
            <option key={key} value={key}>
              {toSafeText(label)}
            </option>
          ))}
        </select>
      </div>
      {choice.instead.length > 0 && (
        <p className="muted">
          A value replaces{" "}
          {choice.instead.map((key) => toSafeText(`${key}: ${cutText(toAnyText(map[key]), 60)}`)).join(", ")}.
        </p>
      )}
      <Messages problems={problems.filter((each) => missing.includes(each.path))} />
    </div>
  );
}
