import { nameBy } from "@stackyard/core";
import type { TerraformState } from "@stackyard/sdk";
import { Filters, FilterText } from "../design/filters.tsx";
import { useChangeSearch, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, NoMatch, Page, Panel } from "../design/page.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { LastWritten, STATE_COLUMN, useStates } from "./state-list.tsx";
import { listPeople, toHolder } from "./state-people.ts";

/** Renders all Terraform states of the yard's state backend. */
export function StatesPage() {
  const { prefix } = useSearch();
  const change = useChangeSearch();
  const states = useStates(prefix);
  return (
    <Page
      title="Terraform states"
      sentence="What Terraform knows of each environment, with all its versions. A run locks the state that it changes."
    >
      <Panel>
        <Filters>
          <FilterText name="prefix" label="Key begins with" shortcut="/" />
        </Filters>
        <ListTable
          list={states}
          empty={
            prefix === undefined ? (
              <Empty command="stackyard terraform ls">No Terraform state has been written to this yard.</Empty>
            ) : (
              <NoMatch filters={`keys that begin with ${prefix}`} onClear={() => change({ prefix: undefined })} />
            )
          }
          label="Terraform states"
          height="70vh"
          columns={toColumns(states.items ?? [])}
          keyOf={({ key }) => key}
        />
      </Panel>
    </Page>
  );
}

function toColumns(states: readonly TerraformState[]): readonly Column<TerraformState>[] {
  const people = states.flatMap(listPeople);
  return [
    STATE_COLUMN,
    { header: "Newest version", cell: (state) => <LastWritten state={state} people={people} /> },
    {
      header: "Lock",
      cell: ({ lock }) =>
        lock === undefined ? (
          <span className="muted">free</span>
        ) : (
          <Mark status="parked" word={`Locked by ${lock.who ?? nameBy(toHolder(lock), people)}`} />
        ),
    },
  ];
}
