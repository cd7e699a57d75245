import { nameBy } from "@stackyard/core";
import type { StateVersion, TerraformState } from "@stackyard/sdk";
import { type ReactNode, useState } from "react";
import { useRefusal } from "../api/access.ts";
import { isAbsent, queryClient, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { ActionDialog, Dialog } from "../design/dialog.tsx";
import { Options, SelectField } from "../design/fields.tsx";
import { type Happening, Happenings } from "../design/happenings.tsx";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { ListDetail } from "../design/list-detail.tsx";
import { Mark } from "../design/mark.tsx";
import { Absent, Empty, Loaded, Page, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { Table } from "../design/table.tsx";
import { Ago, Day, Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { diffStates } from "./diff-states.ts";
import { LastWritten, StateList } from "./state-list.tsx";
import { listPeople, toHolder } from "./state-people.ts";

/** Renders one Terraform state: its versions, the holder of its lock, and what changed between two versions. */
export function StatePage() {
  const { key = "" } = useSearch();
  return (
    <ListDetail label="Other states" list={<StateList stateKey={key} />}>
      <OneState key={key} stateKey={key} />
    </ListDetail>
  );
}

function OneState({ stateKey: key }: { stateKey: string }) {
  const state = useLoad(keys.list("state", { key }), (request) => yard.states.get(key, request), {
    enabled: key !== "",
  });
  return (
    <Page
      title={`Terraform state ${key}`}
      heading={<Text>{key}</Text>}
      sentence={state.data && <LastWritten state={state.data} people={listPeople(state.data)} />}
    >
      {key === "" ? (
        <Empty command="stackyard states ls">The address names no state. Open one from the list.</Empty>
      ) : isAbsent(state.error) ? (
        <Absent path="/states" word="All Terraform states" />
      ) : (
        <Loaded query={state} height={320}>
          {(found) => (
            <>
              <Lock state={found} />
              <div className="columns">
                <History state={found} />
                <Differences state={found} />
              </div>
            </>
          )}
        </Loaded>
      )}
    </Page>
  );
}

/** Keys are `<machine>/<stack id>/…`; another form needs a grant without a scope. */
function toSubject(key: string) {
  const [machine, stackId] = key.split("/");
  return { machine, stackId };
}

function refetch(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: ["list"] });
}

function Lock({ state }: { state: TerraformState }) {
  const { key, lock } = state;
  // The lock that a person has decided to break: another one may come meanwhile.
  const [opened, setOpened] = useState<typeof lock>();
  const refusal = useRefusal("repair", toSubject(key));
  const toast = useToast();
  if (lock === undefined) return null;
  return (
    <Panel
      title={<Mark status="parked" word="Locked" />}
      actions={
        <Button look="danger" refusal={refusal} onPress={() => setOpened(lock)}>
          Unlock…
        </Button>
      }
    >
      <Pairs
        className="pairs panel-body"
        of={{
          Holder: <Text>{nameBy(toHolder(lock), listPeople(state))}</Text>,
          "Terraform reports": lock.who !== undefined && (
            <Text>{lock.operation === undefined ? lock.who : `${lock.who}, ${lock.operation}`}</Text>
          ),
          Since: <Ago at={lock.at} />,
          Note: !lock.binds && "The lease of the holder has ended: the next run takes the lock over by itself.",
        }}
      />
      {opened !== undefined && (
        <ActionDialog
          title={`Unlock ${key}`}
          verb="Unlock"
          danger
          typed={key}
          onClose={() => setOpened(undefined)}
          act={async () => {
            await yard.states.unlock(key, opened.id);
            toast("The lock is broken.");
            await refetch();
          }}
        >
          <p>
            The lock of <Text>{nameBy(toHolder(opened), listPeople(state))}</Text>, since <Day at={opened.at} />.
          </p>
          <p>A Terraform that still runs would write beside the next one. Unlock only if the holder has ended.</p>
        </ActionDialog>
      )}
    </Panel>
  );
}

/** Renders who wrote which version, and who has broken a lock. */
function History({ state }: { state: TerraformState }) {
  const { key, current, lock } = state;
  const [restoring, setRestoring] = useState<StateVersion & { readonly over: number | undefined }>();
  const [reading, setReading] = useState<number>();
  const noRestore = useRefusal("states:write", toSubject(key));
  const noRead = useRefusal("states:read", toSubject(key));
  const toast = useToast();
  return (
    <Panel title="History">
      <Happenings
        label="Versions and broken locks, newest first"
        items={listHappenings(state, (version) => (
          <>
            {version.version !== current && (
              <Button
                label={`Restore version ${version.version}`}
                refusal={noRestore ?? (lock && "The state is locked")}
                onPress={() => setRestoring({ ...version, over: current })}
              >
                Restore…
              </Button>
            )}
            <Button
              label={`Read version ${version.version}`}
              refusal={noRead}
              onPress={() => setReading(version.version)}
            >
              Read
            </Button>
          </>
        ))}
      />
      {reading !== undefined && <Content stateKey={key} version={reading} onClose={() => setReading(undefined)} />}
      {restoring !== undefined && (
        <ActionDialog
          title={`Restore version ${restoring.version}`}
          refusal={
            restoring.over === current ? undefined : `Version ${current} came meanwhile. Close this and look at it`
          }
          verb="Restore"
          danger
          typed={key}
          onClose={() => setRestoring(undefined)}
          act={async () => {
            const { version } = await yard.states.restore(key, restoring.version, { seen: restoring.over ?? null });
            toast(`Version ${restoring.version} is restored as version ${version}.`);
            await refetch();
          }}
        >
          <p>
            Its content becomes the newest version. Resources do not change until the next apply, which compares them
            with this state.
          </p>
        </ActionDialog>
      )}
    </Panel>
  );
}

/** Renders the content of one version. It may contain secrets: it is not cached, and the reading is recorded. */
function Content({ stateKey, version, onClose }: { stateKey: string; version: number; onClose: () => void }) {
  const content = useLoad(
    keys.other("state-content", { stateKey, version }),
    (request) => yard.states.version(stateKey, version, request),
    { gcTime: 0, staleTime: Number.POSITIVE_INFINITY },
  );
  return (
    <Dialog title={`Version ${version} of ${stateKey}`} onClose={onClose}>
      <section>
        <p className="muted">It may contain secrets. That you read it is in the audit log.</p>
        <Loaded query={content} height={240}>
          {(text) => (
            <pre className="wrap">
              <Text mono>{text}</Text>
            </pre>
          )}
        </Loaded>
        <Button onPress={onClose}>Close</Button>
      </section>
    </Dialog>
  );
}

function Differences({ state: { key, versions } }: { state: TerraformState }) {
  const search = useSearch();
  const change = useChangeSearch();
  const [newest, before] = versions;
  const from = Number(search["from"] ?? before?.version);
  const to = Number(search["to"] ?? newest?.version);
  const [shown, setShown] = useState(false);
  const refusal = useRefusal("states:read", toSubject(key));
  const isPair = Number.isInteger(from) && Number.isInteger(to) && from !== to;
  const diff = useLoad(
    keys.other("state-diff", { key, from, to }),
    async (request) => {
      const [earlier, later] = await Promise.all(
        [from, to].map((version) => yard.states.version(key, version, request)),
      );
      return diffStates(earlier ?? "", later ?? "");
    },
    {
      // Reading a state is recorded, so it happens only on request.
      enabled: isPair && shown && refusal === undefined,
      staleTime: Number.POSITIVE_INFINITY,
    },
  );
  if (versions.length < 2) {
    return (
      <Panel title="Difference by resource">
        <Empty>There is no second version to compare with.</Empty>
      </Panel>
    );
  }
  const options = versions.map(({ version }) => String(version));
  return (
    <Panel title="Difference by resource">
      <div className="row panel-body">
        <SelectField title="From version" value={from} onChange={(version) => change({ from: version })}>
          <Options names={options} />
        </SelectField>
        <SelectField title="To version" value={to} onChange={(version) => change({ to: version })}>
          <Options names={options} />
        </SelectField>
      </div>
      {!isPair || !shown ? (
        <div className="notice">
          <p>Compares which resources and attributes differ. Both versions are read, which the audit log records.</p>
          <Button refusal={refusal ?? (isPair ? undefined : "Choose two versions")} onPress={() => setShown(true)}>
            Compare
          </Button>
        </div>
      ) : (
        <Loaded query={diff} height={160}>
          {(resources) => (
            <Table
              empty={<Empty>No resource differs.</Empty>}
              label={`Resources that differ between version ${from} and version ${to}`}
              height={400}
              rows={resources}
              keyOf={({ address }) => address}
              columns={[
                { header: "Change", cell: ({ change: kind }) => kind },
                { header: "Address", cell: ({ address }) => <Text mono>{address}</Text> },
                { header: "Attributes", cell: ({ attributes }) => <Text>{attributes.join(", ")}</Text> },
              ]}
            />
          )}
        </Loaded>
      )}
    </Panel>
  );
}

/** Returns what was done to a state as sentences, newest first. `actions` renders what can be done with a version. */
function listHappenings(state: TerraformState, actions: (version: StateVersion) => ReactNode): readonly Happening[] {
  const people = listPeople(state);
  const { versions, current, forcedUnlocks = [] } = state;
  const written = versions.map((version): Happening => {
    const isPresent = version.version === current;
    return {
      key: `version ${version.version}`,
      at: version.at,
      status: isPresent ? "succeeded" : "skipped",
      word: isPresent ? "The present version" : "An earlier version",
      what: (
        <>
          <strong>
            <Text>{nameBy(version, people)}</Text>
          </strong>{" "}
          wrote version {version.version}
        </>
      ),
      why: <Text>{describeVersion(version)}</Text>,
      who: <span className="row-actions">{actions(version)}</span>,
    };
  });
  const broken = forcedUnlocks.map((unlock): Happening => {
    const { at, lockId, by, byId } = unlock;
    return {
      key: `unlock ${at} ${lockId}`,
      at,
      status: "parked",
      word: "A lock was broken",
      what: (
        <>
          <strong>
            <Text>{nameBy(unlock, people)}</Text>
          </strong>{" "}
          broke the lock of <Text>{nameBy(toHolder(unlock), people)}</Text> by force
        </>
      ),
      who: (
        <To path="/audit" search={{ who: byId ?? by }}>
          Lines of this person
        </To>
      ),
    };
  });
  return [...written, ...broken].toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

function describeVersion({ serial, bytes, terraformVersion }: StateVersion): string {
  return [
    serial !== undefined && `serial ${serial}`,
    `${bytes.toLocaleString("en")} bytes`,
    terraformVersion !== undefined && `Terraform ${terraformVersion}`,
  ]
    .filter(Boolean)
    .join(", ");
}
