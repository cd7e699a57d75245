import type { StackSummary } from "@stackyard/sdk";
import { useState } from "react";
import { Button } from "../design/button.tsx";
import { FilterChoice } from "../design/filters.tsx";
import { Icon } from "../design/icon.tsx";
import { To, useSearch } from "../design/links.tsx";
import { ColumnDialog } from "./column-dialog.tsx";
import { listGroupKeys } from "./group-choice.ts";
import { useColumns } from "./use-columns.ts";

/** Renders how the list is shown: groups and columns. Each is a part of the address. */
export function ViewTools({ sample }: { sample: readonly StackSummary[] }) {
  const search = useSearch();
  const [isChoosing, setChoosing] = useState(false);
  const { group = "", view } = search;
  const keys = listGroupKeys(sample).map((key) => `metadata.${key}`);
  const given = group.startsWith("metadata.") && !keys.includes(group) ? [group] : [];
  const isTiles = view === "tiles";
  const columns = useColumns(sample);
  return (
    <>
      <FilterChoice
        name="group"
        label="Group by"
        usual="nothing"
        options={["condition", "machine", "pull", ...given, ...keys]}
        words={{ pull: "pull request" }}
        // Tiles have no groups.
        also={(chosen) => (chosen === "" ? {} : { view: undefined })}
      />
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
        <span className="wide-word">List</span>
      </To>
      <To path="/stacks" search={{ ...search, view: "tiles", group: undefined }} current={isTiles}>
        <Icon name="tiles" size={14} />
        <span className="wide-word">Tiles</span>
      </To>
    </nav>
  );
}
