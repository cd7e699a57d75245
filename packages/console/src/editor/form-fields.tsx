import { useId, useState } from "react";
import { Offers, Options } from "../design/fields.tsx";
import type { Outline } from "../machine/outline.ts";

/** Returns a scalar of a document as a field shows it. */
export function toText(value: unknown): string {
  return value === undefined || value === null ? "" : String(value);
}

/** Returns a text as the value of a metadata key: numbers and booleans where the rule of the key says so. */
export function toValue(outline: Outline | undefined, key: string, text: string): string | number | boolean {
  const rule = outline?.metadata.find(({ name }) => name === key)?.rule;
  const type = typeof rule === "object" && rule !== null && "type" in rule ? rule.type : undefined;
  if (type === "number" && Number.isFinite(Number(text))) return Number(text);
  return type === "boolean" ? text === "true" : text;
}

interface CheckProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (on: boolean) => void;
}

/** Renders a checkbox with its label. */
export function Check({ label, checked, onChange }: CheckProps) {
  return (
    <label className="row">
      <input
        type="checkbox"
        style={{ width: "auto", minWidth: 0 }}
        checked={checked}
        onChange={({ target }) => onChange(target.checked)}
      />
      {label}
    </label>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly hidden?: boolean;
  /** Suggestions while typing; any other text can be entered too. */
  readonly offers?: readonly string[];
  readonly onEnter: (value: string) => void;
}

/** Renders a text field; its text is applied when the field is left or Enter is pressed. */
export function TextField({ label, value, placeholder, hidden, offers = [], onEnter }: TextFieldProps) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  // The shown or last entered text: any other is being typed, and a late value does not replace it.
  const [settled, setSettled] = useState(value);
  if (known !== value) {
    setKnown(value);
    setSettled(value);
    if (text === settled) setText(value);
  }
  const enter = () => {
    if (text.trim() === value) return;
    setSettled(text);
    onEnter(text.trim());
  };
  const id = useId();
  const input = (
    <>
      <input
        className="input"
        aria-label={label}
        list={offers.length > 0 ? id : undefined}
        value={text}
        placeholder={placeholder}
        spellCheck={false}
        onChange={({ target }) => setText(target.value)}
        onBlur={enter}
        onKeyDown={({ key }) => {
          if (key === "Enter") enter();
          if (key === "Escape") setText(value);
        }}
      />
      {offers.length > 0 && <Offers id={id} names={offers} />}
    </>
  );
  return hidden ? (
    input
  ) : (
    // biome-ignore lint/a11y/noLabelWithoutControl: the input is inside
    <label className="row">
      {label} {input}
    </label>
  );
}

interface SelectProps {
  readonly label: string;
  readonly names: readonly string[];
  /** A name; one that is not in the list is shown too. */
  readonly value: string;
  /** The label of the empty choice. Without it a name is required. */
  readonly none?: string;
  readonly onChange: (name: string) => void;
}

/** Renders a choice of a name. */
export function NameSelect({ label, names, value, none, onChange }: SelectProps) {
  const options = value === "" || names.includes(value) ? names : [value, ...names];
  return (
    <select className="input" aria-label={label} value={value} onChange={({ target }) => onChange(target.value)}>
      {(none !== undefined || value === "") && <option value="">{none ?? "–"}</option>}
      <Options names={options} />
    </select>
  );
}
