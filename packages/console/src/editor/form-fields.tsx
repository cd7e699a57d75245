import { type ReactNode, useState } from "react";
import { Button } from "../design/button.tsx";
import { toSafeText } from "../text/safe-text.ts";

/** Returns a scalar of a document as a field shows it. */
export function toText(value: unknown): string {
  return value === undefined || value === null ? "" : String(value);
}

/** A checkbox with its label. */
export function Check({
  label,
  checked,
  onChange,
}: {
  label: string;
  checked: boolean;
  onChange: (on: boolean) => void;
}) {
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
  readonly onEnter: (value: string) => void;
}

/** A text that is taken when the field is left or Enter is pressed. */
export function TextField({ label, value, placeholder, hidden, onEnter }: TextFieldProps) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setText(value);
  }
  const enter = () => {
    if (text.trim() !== value) onEnter(text.trim());
  };
  const input = (
    <input
      className="input"
      aria-label={label}
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

/** One entry of a list, with a button that removes it. */
export function Chip({ text, label, onRemove }: { text: ReactNode; label: string; onRemove: () => void }) {
  return (
    <span className="command">
      {typeof text === "string" ? toSafeText(text) : text}
      <Button look="plain" label={label} onPress={onRemove}>
        ✕
      </Button>
    </span>
  );
}
