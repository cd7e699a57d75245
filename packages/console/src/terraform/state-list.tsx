import { type By, defined, nameBy } from "@stackyard/core";
import type { TerraformState } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { type PagedList, usePages } from "../api/use-pages.ts";
import { TextLink } from "../design/links.tsx";
import { SideList } from "../design/list-detail.tsx";
import type { Column } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";

/** Loads the Terraform states of which the key begins with a text. */
export function useStates(prefix: string | undefined): PagedList<TerraformState> {
  return usePages(keys.list("states", { prefix }), (part) => yard.states.list({ ...part, ...defined({ prefix }) }));
}

/** The key of a state as a link to its page. */
export const STATE_COLUMN: Column<TerraformState> = {
  header: "Key",
  cell: ({ key }) => <TextLink path="/state" search={{ key }} text={key} />,
};

/** Renders the Terraform states next to one of them. */
export function StateList({ stateKey }: { stateKey: string }) {
  return (
    <SideList
      label="Terraform states"
      list={useStates(undefined)}
      keyOf={({ key }) => key}
      selected={stateKey}
      columns={[STATE_COLUMN]}
    />
  );
}

/** Renders the newest version of a state in one sentence. */
export function LastWritten({ state: { current, versions }, people }: LastWrittenProps) {
  const [newest] = versions;
  if (newest === undefined) return <span className="muted">never</span>;
  return (
    <>
      <Text>{nameBy(newest, people)}</Text> wrote version {newest.version}, <Ago at={newest.at} />
      {current === undefined && ", deleted since"}
    </>
  );
}

interface LastWrittenProps {
  readonly state: TerraformState;
  /** All whom the page names. */
  readonly people: readonly By[];
}
