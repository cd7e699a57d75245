import { defined } from "@stackyard/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect, useId, useState } from "react";
import { nameZone, parsePickedTime, toPickedTime } from "../text/picked-time.ts";
import { toSafeText } from "../text/safe-text.ts";
import { Offers, Options } from "./fields.tsx";
import { Icon } from "./icon.tsx";
import { isEnter } from "./keys.ts";
import { useChangeSearch, useSearch } from "./links.tsx";
import { Menu } from "./menu.tsx";
import { useSettings } from "./settings.ts";
import { Day } from "./text.tsx";
import "./filters.css";

/** Renders the filters of a list as chips in one row; each is a part of the address. */
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

interface ChipProps {
  readonly label: string;
  /** The control that the label belongs to. */
  readonly controlId: string;
  readonly isSet: boolean;
  /** Missing: it always has a value. */
  readonly onClear?: () => void;
  /** The label stays next to a value; else the control itself says it while it has none. */
  readonly hasOwnLabel?: boolean;
  readonly children: ReactNode;
}

/** Renders a filter: an outline with its name, or its name, its value and what removes it. */
function Chip({ label, controlId, isSet, onClear, hasOwnLabel = false, children }: ChipProps) {
  return (
    <span className="chip" {...(isSet && { "data-set": true })}>
      <label htmlFor={controlId} className={isSet || hasOwnLabel ? undefined : "hidden-visually"}>
        {label}
      </label>
      {children}
      {isSet && onClear !== undefined && <DropButton label={label} controlId={controlId} onDrop={onClear} />}
    </span>
  );
}

interface DropProps extends Pick<ChipProps, "label" | "controlId"> {
  readonly onDrop: () => void;
}

/** Renders what drops a filter. It goes with the filter's value: the focus is then at the control, not lost. */
function DropButton({ label, controlId, onDrop }: DropProps) {
  return (
    <button
      type="button"
      className="chip-clear"
      aria-label={`Drop the filter ${label}`}
      onClick={() => {
        document.getElementById(controlId)?.focus();
        onDrop();
      }}
    >
      <Icon name="remove" size={14} />
    </button>
  );
}

interface FilterTextProps extends FilterProps {
  /** Parts of a value match nothing: the address changes at Enter, or when the field is left. */
  readonly isExact?: true;
  /** Values that are offered while typing. */
  readonly offers?: readonly string[];
  readonly autoFocus?: boolean;
}

/** Returns the typed text of a filter, which is applied after a short pause, at Enter, or when the field is left. */
function useTyped(name: string, isExact: true | undefined) {
  const value = useSearch()[name] ?? "";
  const changeSearch = useChangeSearch();
  const [typed, setTyped] = useState<string>();
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
  const clear = () => {
    setTyped(undefined);
    changeSearch({ [name]: undefined });
  };
  return { value, text: typed ?? value, setTyped, apply, clear };
}

/** Renders a text that filters. That with the shortcut is a field of its own, before the chips. */
export function FilterText({ name, label, shortcut, isExact, offers, autoFocus }: FilterTextProps) {
  const { value, text, setTyped, apply, clear } = useTyped(name, isExact);
  const id = useId();
  const input = (
    <>
      <input
        id={id}
        type="search"
        value={text}
        placeholder={label}
        spellCheck={false}
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: only a filter that the person has just added
        autoFocus={autoFocus}
        {...defined({ "data-shortcut": shortcut, list: offers && `${id}-offers` })}
        onChange={({ target }) => setTyped(target.value)}
        onBlur={apply}
        onKeyDown={(event) => isEnter(event) && apply()}
      />
      {offers !== undefined && <Offers id={`${id}-offers`} names={offers} />}
    </>
  );
  if (shortcut === undefined) {
    return (
      <Chip label={label} controlId={id} isSet={value !== ""} onClear={clear}>
        {input}
      </Chip>
    );
  }
  return (
    <span className="filter-main">
      <Icon name="search" />
      <label htmlFor={id} className="hidden-visually">
        {label}
      </label>
      {input}
      {text === "" && <kbd>{shortcut}</kbd>}
    </span>
  );
}

interface ChoiceProps extends FilterProps {
  readonly options: readonly string[];
  /** The words of options that are not words themselves. */
  readonly words?: Readonly<Record<string, string>>;
  /** What it means that nothing is chosen, such as an order that is always there. Missing: no filter. */
  readonly usual?: string;
  /** The load of the options. */
  readonly query?: UseQueryResult<unknown> | undefined;
  /** Parts of the address that change with the choice. */
  readonly also?: (chosen: string) => Readonly<Record<string, string | undefined>>;
}

/** Renders a choice of one value, or all. A value of the address that is not offered is shown too. */
export function FilterChoice({ name, label, shortcut, options, words = {}, usual, query, also }: ChoiceProps) {
  const value = useSearch()[name] ?? "";
  const changeSearch = useChangeSearch();
  const id = useId();
  const shown = value === "" || options.includes(value) ? options : [value, ...options];
  const isSet = value !== "";
  return (
    <Chip
      label={label}
      controlId={id}
      isSet={isSet}
      onClear={() => changeSearch({ [name]: undefined, ...also?.("") })}
      hasOwnLabel={usual !== undefined}
    >
      <select
        id={id}
        value={value}
        {...defined({ "data-shortcut": shortcut })}
        onChange={({ target }) => changeSearch({ [name]: target.value, ...also?.(target.value) })}
      >
        <option value="">{usual ?? (isSet ? "all" : label)}</option>
        <Options names={shown} words={words} query={query} />
      </select>
      {!isSet && <Icon name="unfold" size={14} />}
    </Chip>
  );
}

/** Renders an instant that filters, picked in the zone in which the page shows times; the address has it in UTC. */
export function FilterTime({ name, label }: Pick<FilterProps, "name" | "label">) {
  const value = useSearch()[name] ?? "";
  const changeSearch = useChangeSearch();
  const { zone } = useSettings();
  const id = useId();
  const isSet = value !== "";
  return (
    <span className="chip chip-time" {...(isSet && { "data-set": true })}>
      <label htmlFor={id}>
        {label}
        <span className="hidden-visually">, {nameZone(zone)}</span>
      </label>
      {isSet && (
        <strong aria-hidden="true">
          <Day at={value} />
        </strong>
      )}
      <input
        id={id}
        type="datetime-local"
        value={toPickedTime(value, zone)}
        onClick={({ currentTarget }) => currentTarget.showPicker?.()}
        onChange={({ target }) => changeSearch({ [name]: parsePickedTime(target.value, zone) ?? "" })}
      />
      {isSet ? (
        <DropButton label={label} controlId={id} onDrop={() => changeSearch({ [name]: undefined })} />
      ) : (
        <Icon name="unfold" size={14} />
      )}
    </span>
  );
}

/** Renders a filter with one value, which is on or off. */
export function FilterSwitch({ name, label, value }: FilterProps & { readonly value: string }) {
  const isOn = useSearch()[name] === value;
  const changeSearch = useChangeSearch();
  return (
    <button
      type="button"
      className="chip"
      aria-pressed={isOn}
      {...(isOn && { "data-set": true })}
      onClick={() => changeSearch({ [name]: isOn ? undefined : value })}
    >
      {label}
      {isOn && <Icon name="remove" size={14} />}
    </button>
  );
}

interface MoreProps {
  /** What can be added: parts of the address, and how a person calls them. */
  readonly filters: readonly { readonly name: string; readonly label: string }[];
}

/** Renders further text filters: those that are set, those that were added, and a menu of the others. */
export function MoreFilters({ filters }: MoreProps) {
  const search = useSearch();
  // One that is dropped stays until the page is left: the focus is there.
  const [added, setAdded] = useState(() => filters.flatMap(({ name }) => (search[name] === undefined ? [] : [name])));
  const [newest, setNewest] = useState<string>();
  const isShown = ({ name }: { readonly name: string }) => search[name] !== undefined || added.includes(name);
  const others = filters.filter((filter) => !isShown(filter));
  return (
    <>
      {filters.filter(isShown).map(({ name, label }) => (
        <FilterText key={name} name={name} label={label} autoFocus={newest === name} />
      ))}
      {others.length > 0 && (
        <Menu
          label="Add a filter"
          className="chip chip-add"
          face={
            <>
              <Icon name="add" size={14} />
              <span className="wide-word">Filter</span>
            </>
          }
        >
          {(close) =>
            others.map(({ name, label }) => (
              <button
                key={name}
                type="button"
                className="button"
                onClick={() => {
                  close();
                  setAdded([...added, name]);
                  setNewest(name);
                }}
              >
                {toSafeText(label)}
              </button>
            ))
          }
        </Menu>
      )}
    </>
  );
}
