import { defined } from "@stackyard/core";
import { useId } from "react";
import { Offers } from "../design/fields.tsx";
import type { Plain } from "../machine/edits/operation.ts";
import { toSafeText } from "../text/safe-text.ts";
import { parseAny, parseEntry, toAnyText, toEntryText } from "./entry-text.ts";
import { TextField } from "./form-fields.tsx";
import { isOnByDefault, type SchemaField, type Shape } from "./schema-field.ts";

/** A shape that is one control. */
type EntryShape = Extract<Shape, { kind: "flag" | "choice" | "scalar" | "any" }>;

/** Returns true for a value that is entered in one control. */
export function isEntry(shape: Shape): shape is EntryShape {
  return shape.kind === "flag" || shape.kind === "choice" || shape.kind === "scalar" || shape.kind === "any";
}

interface ControlProps {
  readonly field: SchemaField;
  readonly shape: EntryShape;
  /** With what the field belongs to; it begins with the label that is shown. */
  readonly label: string;
  readonly value: Plain | undefined;
  /** Names of the document that are suggested. */
  readonly names: readonly string[];
  /** The id of the element with help and faults. */
  readonly describedBy: string;
  readonly isInvalid: boolean;
  /** Called with the new value; undefined: none. */
  readonly onEnter: (value: Plain | undefined) => void;
}

/** Renders the control of one value, with its label. */
export function EntryControl(props: ControlProps) {
  const id = useId();
  const { field, shape } = props;
  if (shape.kind === "flag") return <Flag {...props} />;
  return (
    <div className="schema-entry">
      <label htmlFor={id}>
        {toSafeText(field.label)}
        {field.isRequired && <span aria-hidden="true"> *</span>}
        {field.unit !== undefined && <span className="muted"> in {field.unit}</span>}
      </label>
      {shape.kind === "choice" ? (
        <Choice {...props} id={id} options={shape.options} />
      ) : (
        <Entry {...props} id={id} shape={shape} />
      )}
    </div>
  );
}

function Flag({ field, label, value, describedBy, isInvalid, onEnter }: ControlProps) {
  const byDefault = isOnByDefault(field);
  return (
    <label className="row">
      <input
        type="checkbox"
        className="schema-flag"
        aria-label={toSafeText(label)}
        aria-describedby={describedBy}
        aria-invalid={isInvalid}
        checked={value === undefined ? byDefault : value === true}
        onChange={({ target }) => onEnter(target.checked === byDefault ? undefined : target.checked)}
      />
      {toSafeText(field.label)}
    </label>
  );
}

interface ChoiceProps extends ControlProps {
  readonly id: string;
  readonly options: readonly (string | number | boolean | null)[];
}

function Choice({ id, field, label, value, options, describedBy, isInvalid, onEnter }: ChoiceProps) {
  const shown = value === undefined ? "" : JSON.stringify(value);
  const known = options.map((option) => JSON.stringify(option));
  const all = shown === "" || known.includes(shown) ? known : [shown, ...known];
  return (
    <select
      id={id}
      className="input"
      aria-label={toSafeText(label)}
      aria-describedby={describedBy}
      aria-invalid={isInvalid}
      aria-required={field.isRequired}
      value={shown}
      onChange={({ target }) => onEnter(target.value === "" ? undefined : (JSON.parse(target.value) as Plain))}
    >
      <option value="">{field.fallback === undefined ? "–" : `${toSafeText(field.fallback)} (default)`}</option>
      {all.map((option) => (
        <option key={option} value={option}>
          {toSafeText(toEntryText(JSON.parse(option) as Plain))}
        </option>
      ))}
    </select>
  );
}

interface EntryProps extends ControlProps {
  readonly id: string;
  readonly shape: Extract<Shape, { kind: "scalar" | "any" }>;
}

function Entry({ id, field, shape, label, value, names, describedBy, isInvalid, onEnter }: EntryProps) {
  const text = shape.kind === "any" ? toAnyText(value) : toEntryText(value);
  const offers = [...names, ...(shape.kind === "any" ? [] : shape.offers.map((offer) => toEntryText(offer)))];
  const list = `${id}-offers`;
  const isNumber = shape.kind === "scalar" && !shape.types.has("string") && !shape.types.has("boolean");
  return (
    <>
      <TextField
        label={toSafeText(label)}
        hidden
        value={text}
        isLong={typeof value === "string" && value.includes("\n")}
        control={{
          id,
          "aria-describedby": describedBy,
          "aria-invalid": isInvalid,
          "aria-required": field.isRequired,
          ...(isNumber && { inputMode: "decimal" }),
          ...(offers.length > 0 && { list }),
        }}
        {...defined({ placeholder: field.fallback })}
        onEnter={(entered) => onEnter(shape.kind === "any" ? parseAny(entered) : parseEntry(shape.types, entered))}
      />
      {offers.length > 0 && <Offers id={list} names={[...new Set(offers)]} />}
    </>
  );
}
