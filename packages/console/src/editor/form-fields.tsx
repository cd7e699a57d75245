import { type ComponentProps, useState } from "react";
import { Options } from "../design/fields.tsx";
import { isEnter } from "../design/keys.ts";
import type { Outline } from "../machine/outline.ts";
import { usePendingText } from "./pending-fields.ts";

/** Returns a text as the value of a metadata key: numbers and booleans where the rule of the key says so. */
export function toValue(outline: Outline, key: string, text: string): string | number | boolean {
  const rule = outline.metadata.find(({ name }) => name === key)?.rule;
  const type = typeof rule === "object" && rule !== null && "type" in rule ? rule.type : undefined;
  if (type === "number" && Number.isFinite(Number(text))) return Number(text);
  return type === "boolean" ? text === "true" : text;
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly hidden?: boolean;
  /** True for several lines: Enter begins another one. */
  readonly isLong?: boolean;
  /** More of the control itself. */
  readonly control?: ComponentProps<"input">;
  readonly onEnter: (value: string) => void;
}

/** Renders a text field; its text is applied when the field is left or Enter is pressed. */
export function TextField({ label, value, placeholder, hidden, isLong, control, onEnter }: TextFieldProps) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  // The shown or last entered text: any other is being typed, and a late value does not replace it.
  const [settled, setSettled] = useState(value);
  if (known !== value) {
    setKnown(value);
    setSettled(value);
    if (text === settled) setText(value);
  }
  // The ends of several lines are a part of the text.
  const toEntered = (typed: string) => (isLong ? typed : typed.trim());
  const entered = toEntered(text);
  const enter = () => {
    // The value may still be the one before the last entered text.
    if (entered === value && entered === toEntered(settled)) return;
    setSettled(text);
    onEnter(entered);
  };
  // A field that is only visited changes nothing, however its text is written.
  const leave = () => text !== settled && enter();
  usePendingText(text !== settled, enter);
  const shared = {
    className: "input",
    "aria-label": label,
    value: text,
    placeholder,
    spellCheck: false,
    onBlur: leave,
  };
  const input = isLong ? (
    <textarea
      {...shared}
      id={control?.id}
      aria-describedby={control?.["aria-describedby"]}
      rows={Math.min(12, text.split("\n").length + 1)}
      onChange={({ target }) => setText(target.value)}
      onKeyDown={({ key }) => key === "Escape" && setText(value)}
    />
  ) : (
    <input
      {...control}
      {...shared}
      onChange={({ target }) => setText(target.value)}
      onKeyDown={(event) => {
        if (isEnter(event)) enter();
        if (event.key === "Escape") setText(value);
      }}
    />
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
