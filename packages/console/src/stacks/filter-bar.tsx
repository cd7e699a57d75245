import { defined } from "@stackyard/core";
import { type ReactNode, useEffect, useId, useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Options, SelectField } from "../design/fields.tsx";
import { useChangeSearch, useSearch } from "../design/links.tsx";
import { useMedia } from "../design/use-media.ts";
import { FILTER_NAMES, type FilterName, SORT_WORDS } from "./stack-filter.ts";

const MORE: readonly FilterName[] = ["task", "code", "prefix", "revision", "metadata"];

/** Renders all filters and the order; each is a part of the address. `tools`: how the list is shown. */
export function FilterBar({ tools }: { tools: ReactNode }) {
  const search = useSearch();
  const changeSearch = useChangeSearch();
  const machine = search["machine"];
  const machines = useLoad(keys.other("machine-names"), (request) => yard.machines.list(request), {
    staleTime: 60_000,
  });
  const states = useLoad(
    keys.count("state-names", { machine }),
    ({ signal }) => yard.stacks.counts(machine ? { machine } : {}, { by: "state", signal }),
    { staleTime: 60_000 },
  );
  const stateNames = new Set((states.data?.groups ?? []).flatMap(({ state }) => (state === undefined ? [] : [state])));
  const isPhone = useMedia("(max-width: 719px)");
  const choices = (
    <>
      <Choice name="machine" options={(machines.data ?? []).map(({ name }) => name)} />
      <Choice name="state" options={[...stateNames].sort()} />
      <SelectField title="Order" value={search["sort"] ?? "id"} onChange={(sort) => changeSearch({ sort })}>
        {Object.entries(SORT_WORDS).map(([sort, word]) => (
          <option key={sort} value={sort}>
            {word}
          </option>
        ))}
      </SelectField>
    </>
  );
  const chosen = MORE.some((name) => search[name] !== undefined);
  const isOpen = chosen || (isPhone && ["machine", "state", "sort"].some((name) => search[name] !== undefined));
  return (
    <search className="stacks-filters" aria-label="Filters">
      <FilterText name="text" label="Id contains" shortcut="/" />
      {!isPhone && choices}
      <details open={isOpen}>
        <summary>{isPhone ? "Filters and order" : "More filters"}</summary>
        <div className="stacks-filters">
          {isPhone && choices}
          {MORE.map((name) => (
            <FilterText key={name} name={name} label={toLabel(name)} />
          ))}
        </div>
      </details>
      {tools}
    </search>
  );
}

function toLabel(name: FilterName): string {
  const word = FILTER_NAMES[name];
  return name === "metadata" ? "Metadata, key=value" : word.charAt(0).toUpperCase() + word.slice(1);
}

function Choice({ name, options }: { name: "machine" | "state"; options: readonly string[] }) {
  const search = useSearch();
  const changeSearch = useChangeSearch();
  const value = search[name] ?? "";
  const shown = value === "" || options.includes(value) ? options : [value, ...options];
  return (
    <SelectField
      title={name === "machine" ? "Machine" : "State"}
      value={value}
      onChange={(chosen) => changeSearch({ [name]: chosen })}
    >
      <option value="">all</option>
      <Options names={shown} />
    </SelectField>
  );
}

const PAUSE_MS = 150;

/** Renders a text field for a part of the address, which changes after a short pause in typing. */
function FilterText({ name, label, shortcut }: FilterTextProps) {
  const search = useSearch();
  const changeSearch = useChangeSearch();
  const value = search[name] ?? "";
  const [typed, setTyped] = useState<string>();
  const id = useId();
  useEffect(() => {
    if (typed === undefined) return;
    const timer = setTimeout(() => {
      setTyped(undefined);
      changeSearch({ [name]: typed.trim() });
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, name, changeSearch]);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="search"
        value={typed ?? value}
        spellCheck={false}
        autoComplete="off"
        {...defined({ "data-shortcut": shortcut })}
        onChange={({ target }) => setTyped(target.value)}
      />
    </div>
  );
}

interface FilterTextProps {
  readonly name: FilterName;
  readonly label: string;
  readonly shortcut?: string;
}
