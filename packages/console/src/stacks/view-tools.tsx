import type { StackSummary } from "@stackyard/sdk";
import { useState } from "react";
import { Button } from "../design/button.tsx";
import { Options, SelectField } from "../design/fields.tsx";
import { Icon } from "../design/icon.tsx";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { ColumnDialog } from "./column-dialog.tsx";
import { listGroupKeys } from "./group-choice.ts";
import { useColumns } from "./use-columns.ts";

/** Renders how the list is shown: groups and columns. Each is a part of the address. */
export function ViewTools({ sample }: { sample: readonly StackSummary[] }) {
  const search = useSearch();
  const changeSearch = useChangeSearch();
  const [isChoosing, setChoosing] = useState(false);
  const { group = "", view } = search;
  const keys = listGroupKeys(sample).map((key) => `metadata.${key}`);
  const given = group.startsWith("metadata.") && !keys.includes(group) ? [group] : [];
  const isTiles = view === "tiles";
  const columns = useColumns(sample);
  return (
    <>
      <SelectField
        title="Group by"
        value={group}
        // Tiles have no groups.
        onChange={(chosen) => changeSearch({ group: chosen, ...(chosen !== "" && { view: undefined }) })}
      >
        <option value="">nothing</option>
        <option value="condition">condition</option>
        <option value="machine">machine</option>
        <option value="pull">pull request</option>
        <Options names={[...given, ...keys]} />
      </SelectField>
      {!isTiles && (
        <Button onPress={() => setChoosing(true)} label={`Columns…, ${columns.length} shown`}>
          Columns…
        </Button>
      )}
      {isChoosing && <ColumnDialog columns={columns} sample={sample} onClose={() => setChoosing(false)} />}
    </>
  );
}

/** Renders the choice between list and tiles. */
export function ViewSwitch() {
  const search = useSearch();
  const isTiles = search["view"] === "tiles";
  return (
    <nav className="segments" aria-label="Views of the list">
      <To path="/stacks" search={{ ...search, view: undefined }} current={!isTiles}>
        <Icon name="list" size={14} />
        List
      </To>
      <To path="/stacks" search={{ ...search, view: "tiles", group: undefined }} current={isTiles}>
        <Icon name="tiles" size={14} />
        Tiles
      </To>
    </nav>
  );
}
