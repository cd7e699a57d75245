import { nameBy } from "@stackyard/core";
import type { TerraformState } from "@stackyard/sdk";
import { isKnownEmpty } from "../api/use-pages.ts";
import { Filters, FilterText } from "../design/filters.tsx";
import { type FirstStep, FirstSteps } from "../design/first-steps.tsx";
import { useChangeSearch, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { NoMatch, Page, Panel } from "../design/page.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { LastWritten, STATE_COLUMN, useStates } from "./state-list.tsx";
import { listPeople, toHolder } from "./state-people.ts";

const SHOWS =
  "Here you will see the state of each environment: its versions, who wrote the newest one, and who has locked it.";

const STEPS: readonly FirstStep[] = [
  {
    title: "Give a machine a task that runs Terraform",
    text: "Its states are kept by the yard unless the configuration names another backend.",
    link: { path: "/machines", word: "Open machines" },
  },
  {
    title: "Send the event that starts the task",
    text: "The first apply writes the state.",
    command: "stackyard send pr-1 OPENED --machine review-app",
  },
  {
    title: "Look at it",
    text: "Here, or in a terminal.",
    command: "stackyard states ls",
  },
];

/** Renders all Terraform states of the yard's state backend. */
export function StatesPage() {
  const { prefix } = useSearch();
  const change = useChangeSearch();
  const states = useStates(prefix);
  const isNew = prefix === undefined && isKnownEmpty(states);
  return (
    <Page
      title="Terraform states"
      sentence="What Terraform knows of each environment, with all its versions. A run locks the state that it changes."
    >
      {isNew ? (
        <FirstSteps title="No Terraform state has been written yet" shows={SHOWS} steps={STEPS} />
      ) : (
        <Panel>
          <Filters>
            <FilterText name="prefix" label="Key begins with" shortcut="/" />
          </Filters>
          <ListTable
            list={states}
            empty={<NoMatch filters={`keys that begin with ${prefix}`} onClear={() => change({ prefix: undefined })} />}
            label="Terraform states"
            height="70vh"
            columns={toColumns(states.items ?? [])}
            keyOf={({ key }) => key}
          />
        </Panel>
      )}
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
