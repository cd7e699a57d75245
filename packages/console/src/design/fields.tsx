import type { UseQueryResult } from "@tanstack/react-query";
import type { ComponentProps, ReactNode } from "react";
import { hasFailed } from "../api/use-load.ts";
import { toSafeText } from "../text/safe-text.ts";

interface FieldProps {
  readonly title: ReactNode;
  readonly value: string | number;
  readonly onChange: (value: string) => void;
}

/** Renders a field for a text under its title. The browser neither completes nor checks it. */
export function TextField({
  title,
  onChange,
  ...input
}: FieldProps & Omit<ComponentProps<"input">, "title" | "onChange">) {
  return (
    <label className="field">
      {title}
      <input autoComplete="off" spellCheck={false} {...input} onChange={({ target }) => onChange(target.value)} />
    </label>
  );
}

interface SelectFieldProps extends FieldProps {
  /** The key that moves the focus here. */
  readonly shortcut?: string;
  readonly children: ReactNode;
}

/** Renders a choice between options under its title. */
export function SelectField({ title, value, shortcut, onChange, children }: SelectFieldProps) {
  return (
    <label className="field">
      {title}
      <select value={value} data-shortcut={shortcut} onChange={({ target }) => onChange(target.value)}>
        {children}
      </select>
    </label>
  );
}

/** Renders names as the options of a choice; of those that could not be loaded it says so. */
export function Options({ names, words = {}, query }: OptionsProps) {
  return (
    <>
      {names.map((name) => (
        <option key={name} value={name}>
          {toSafeText(words[name] ?? name)}
        </option>
      ))}
      {query !== undefined && hasFailed(query) && <option disabled>The others could not be loaded</option>}
    </>
  );
}

interface OptionsProps {
  readonly names: readonly string[];
  /** The words of names that are not words themselves. */
  readonly words?: Readonly<Record<string, string>>;
  /** The load of the names. */
  readonly query?: UseQueryResult<unknown> | undefined;
}

/** Renders the names that a text field with this `list` offers. */
export function Offers({ id, names }: { id: string; names: readonly string[] }) {
  return (
    <datalist id={id}>
      {names.map((name) => (
        <option key={name} value={name} />
      ))}
    </datalist>
  );
}

interface FormProps {
  readonly className?: string;
  readonly onSubmit: () => void;
  readonly children: ReactNode;
}

/** Renders a form that the page itself handles. */
export function Form({ onSubmit, ...form }: FormProps) {
  return (
    <form
      {...form}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    />
  );
}
