import { defined } from "@stackyard/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect, useId, useState } from "react";
import { nameZone, parsePickedTime, toPickedTime } from "../text/picked-time.ts";
import { Options, SelectField } from "./fields.tsx";
import { isEnter } from "./keys.ts";
import { useChangeSearch, useSearch } from "./links.tsx";
import { useSettings } from "./settings.ts";
import { useMedia } from "./use-media.ts";
import "./filters.css";

/** Renders the filters of a list; each is a part of the address. */
export function Filters({ children }: { children: ReactNode }) {
  return (
    <search className="filters" aria-label="Filters">
      {children}
    </search>
  );
}

const PAUSE_MS = 150;

interface FilterProps {
  /** In the address. */
  readonly name: string;
  readonly label: string;
  /** The key that moves the focus here. */
  readonly shortcut?: "/";
}

interface FilterTextProps extends FilterProps {
  /** Parts of a value match nothing: the address changes at Enter, or when the field is left. */
  readonly isExact?: true;
}

/** Renders a text that filters, after a short pause in typing. */
export function FilterText({ name, label, shortcut, isExact }: FilterTextProps) {
  const value = useSearch()[name] ?? "";
  const changeSearch = useChangeSearch();
  const [typed, setTyped] = useState<string>();
  const id = useId();
  // The first one needs its line for itself on a phone.
  const isBare = useMedia("(max-width: 719px)") && shortcut !== undefined;
  const apply = () => {
    if (typed === undefined) return;
    setTyped(undefined);
    changeSearch({ [name]: typed.trim() });
  };
  useEffect(() => {
    if (typed === undefined || (isExact && typed !== "")) return;
    const timer = setTimeout(() => {
      setTyped(undefined);
      changeSearch({ [name]: typed.trim() });
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, name, isExact, changeSearch]);
  return (
    <div className="field">
      <label htmlFor={id} {...(isBare && { className: "hidden-visually" })}>
        {label}
      </label>
      <input
        id={id}
        type="search"
        value={typed ?? value}
        spellCheck={false}
        autoComplete="off"
        {...defined({ "data-shortcut": shortcut, placeholder: isBare ? label : undefined })}
        onChange={({ target }) => setTyped(target.value)}
        onBlur={apply}
        onKeyDown={(event) => isEnter(event) && apply()}
      />
    </div>
  );
}

interface ChoiceProps extends FilterProps {
  readonly options: readonly string[];
  /** The load of the options. */
  readonly query?: UseQueryResult<unknown> | undefined;
}

/** Renders a choice of one value, or all. A value of the address that is not offered is shown too. */
export function FilterChoice({ name, label, shortcut, options, query }: ChoiceProps) {
  const value = useSearch()[name] ?? "";
  const changeSearch = useChangeSearch();
  const shown = value === "" || options.includes(value) ? options : [value, ...options];
  return (
    <SelectField
      title={label}
      value={value}
      {...defined({ shortcut })}
      onChange={(chosen) => changeSearch({ [name]: chosen })}
    >
      <option value="">all</option>
      <Options names={shown} query={query} />
    </SelectField>
  );
}

/** Renders an instant that filters, picked in the zone in which the page shows times; the address has it in UTC. */
export function FilterTime({ name, label }: Pick<FilterProps, "name" | "label">) {
  const value = useSearch()[name] ?? "";
  const changeSearch = useChangeSearch();
  const { zone } = useSettings();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}, {nameZone(zone)}
      </label>
      <input
        id={id}
        type="datetime-local"
        value={toPickedTime(value, zone)}
        onChange={({ target }) => changeSearch({ [name]: parsePickedTime(target.value, zone) ?? "" })}
      />
    </div>
  );
}
