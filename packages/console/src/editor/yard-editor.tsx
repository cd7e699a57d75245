import { defined } from "@stackyard/core";
import type { BulkPlan, ExecutorDetails, MachineSource, RevisionDetails } from "@stackyard/sdk";
import { StackyardApiError } from "@stackyard/sdk";
import { useMemo, useState } from "react";
import { toPerson, useMe } from "../api/access.ts";
import { isAbsent, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { hasFailed, itemsOf, useLoad } from "../api/use-load.ts";
import { OutcomeTable } from "../bulk/bulk-dialog.tsx";
import { Button } from "../design/button.tsx";
import { Options } from "../design/fields.tsx";
import { To, useGo, useSearch } from "../design/links.tsx";
import { Empty, FailureNotice, Loaded, Page, Skeleton } from "../design/page.tsx";
import { Text } from "../design/text.tsx";
import { useWindowTitle } from "../design/use-window-title.ts";
import type { JsonSchema, KnownExecutor } from "../machine/messages.ts";
import { openText } from "./files.ts";
import { DraftOwner } from "./kept.ts";
import { useKnowledge, type YardExecutors } from "./knowledge.ts";
import { createEmptySession, type Home, type Session } from "./session.ts";
import type { EditorMode } from "./use-view.ts";
import { type SecondRevision, Workbench } from "./workbench.tsx";
import { YardDiff } from "./yard-diff.tsx";

/** Renders the editor with documents of the yard. */
export function YardEditor({ mode }: { mode: EditorMode }) {
  const { data: me, error } = useMe();
  if (me === undefined && error === null) return <Skeleton height={420} />;
  return (
    <DraftOwner value={me && toPerson(me)}>
      <ChosenMachine mode={mode} />
    </DraftOwner>
  );
}

function ChosenMachine({ mode }: { mode: EditorMode }) {
  const { machine, rev } = useSearch();
  useWindowTitle(machine ?? "Editor");
  if (machine === undefined) return <Opened key="new" session={createEmptySession()} mode={mode} />;
  return rev === undefined ? (
    <NewestMachine key={machine} name={machine} mode={mode} />
  ) : (
    <Revision key={rev} hash={rev} name={machine} mode={mode} />
  );
}

function NewestMachine({ name, mode }: { name: string; mode: EditorMode }) {
  const query = useLoad(keys.machine(name, "source"), (request) => yard.machines.source(name, request), {
    // The document must not be replaced during editing; saving detects concurrent changes.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  if (isAbsent(query.error)) return <Missing name={name} />;
  return (
    <Loaded query={query} height={420}>
      {(source) => <SourceEditor source={source} mode={mode} />}
    </Loaded>
  );
}

function Missing({ name }: { name: string }) {
  return (
    <Page title={name} heading={<Text>{name}</Text>}>
      <Empty>
        The yard has no machine of this name, or you may not read it. <To path="/machines">All machines</To>
      </Empty>
    </Page>
  );
}

function SourceEditor({ source, mode }: { source: MachineSource; mode: EditorMode }) {
  const [session] = useState(() => toSession(source));
  const isModule = /\.[cm]?[jt]s$/.test(source.origin);
  return isModule ? (
    <ModuleEditor source={source} mode={mode} />
  ) : (
    <Opened session={session} mode={mode} machine={source.machine} />
  );
}

/** Renders a machine of TypeScript or JavaScript, as its generated document. */
function ModuleEditor({ source: { machine, origin }, mode }: { source: MachineSource; mode: EditorMode }) {
  const query = useLoad(
    keys.machine(machine, "newest revision"),
    async ({ signal }) => {
      const { hash } = await yard.machines.get(machine, { signal });
      if (hash === undefined) throw new Error(`The yard cannot load "${origin}".`);
      return yard.machines.revision(hash, { signal });
    },
    { refetchOnWindowFocus: false },
  );
  return (
    <Loaded query={query} height={420}>
      {(revision) => <Opened session={toModuleSession(revision, origin)} mode={mode} machine={machine} />}
    </Loaded>
  );
}

/** Creates the session of a module's document, which is edited in the module. */
export function toModuleSession({ machine, hash, source }: RevisionDetails, origin: string): Session {
  const opened = openText(`${machine}.json`, JSON.stringify(JSON.parse(source), undefined, 2));
  return { ...opened, key: `revision ${hash}`, name: machine, readOnly: `Change it in ${origin}` };
}

function Revision({ hash, name, mode }: { hash: string; name: string; mode: EditorMode }) {
  const query = useLoad(keys.machine(name, "revision", { hash }), (request) => yard.machines.revision(hash, request), {
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Loaded query={query} height={420}>
      {(revision) => <RevisionEditor revision={revision} mode={mode} />}
    </Loaded>
  );
}

interface RevisionProps {
  readonly revision: RevisionDetails;
  readonly mode: EditorMode;
  readonly steps?: readonly unknown[];
}

/** Renders a revision, with the newest text of its machine to compare with and to upgrade to. */
export function RevisionEditor({ revision, mode, steps }: RevisionProps) {
  const { machine } = revision;
  const newest = useLoad(keys.machine(machine, "source"), (request) => yard.machines.source(machine, request));
  const [session] = useState(() => toRevisionSession(revision));
  const text = newest.data?.source;
  const second = useMemo(
    () => (text === undefined || text === revision.source ? undefined : toSecond(machine, text)),
    [text, machine, revision.source],
  );
  return (
    <>
      {newest.data === undefined && newest.error !== null && !isAbsent(newest.error) && (
        <>
          <p className="notice">The newest text of this machine is missing here: it could not be loaded.</p>
          <FailureNotice error={newest.error} onRetry={() => void newest.refetch()} />
        </>
      )}
      <Opened
        session={session}
        mode={mode}
        second={second}
        awaitsSecond={newest.data === undefined && newest.error === null}
        machine={machine}
        {...defined({ steps })}
      />
    </>
  );
}

function toSecond(machine: string, text: string): SecondRevision {
  return { file: `${machine} newest`, name: machine, text };
}

/** Creates the session of a yard's revision, which never changes. */
export function toRevisionSession({ machine, hash, source }: RevisionDetails): Session {
  const opened = openText(`${machine}.yaml`, source);
  return {
    ...opened,
    key: `revision ${hash}`,
    name: machine,
    file: `${machine} ${hash.slice(0, 12)}`,
    readOnly: "A revision does not change",
  };
}

/** Creates the session of a yard's machine, with its folder as its home if that is writable. */
export function toSession({ machine, source, hash, writable, origin }: MachineSource): Session {
  const file = /(?<![^/\\])[^/\\]+\.(?:ya?ml|json)$/.exec(origin)?.[0] ?? `${machine}.yaml`;
  const opened = openText(file, source);
  return {
    ...opened,
    key: `yard ${machine}`,
    name: machine,
    ...(writable && { home: createFolderHome(machine, hash) }),
  };
}

function createFolderHome(machine: string, hash: string): Home {
  let expectedHash = hash;
  return {
    title: `Save ${machine}…`,
    async save(source, shown) {
      const effect = shown === undefined ? await loadEffectOfSaving(machine, source, expectedHash) : undefined;
      if (effect !== undefined && actsAtOnce(effect)) {
        return { kind: "planned", shown: <OutcomeTable plan={effect} />, plan: effect.digest };
      }
      const plan = shown ?? effect?.digest;
      try {
        ({ hash: expectedHash } = await yard.machines.write(machine, { source, expectedHash, ...defined({ plan }) }));
        return { kind: "saved" };
      } catch (error) {
        const theirs = findTheirs(error);
        if (theirs === undefined) throw error;
        expectedHash = theirs.hash;
        return { kind: "conflict", theirs: theirs.source };
      }
    },
  };
}

async function loadEffectOfSaving(machine: string, source: string, expectedHash: string) {
  return (await yard.machines.planWrite(machine, { source, expectedHash })).plan;
}

/** Returns the text that is there now, when that is why saving was refused. */
function findTheirs(error: unknown): { readonly source: string; readonly hash: string } | undefined {
  if (!(error instanceof StackyardApiError) || error.problem.status !== 409) return undefined;
  const { source, hash } = error.problem.details ?? {};
  return typeof source === "string" && typeof hash === "string" ? { source, hash } : undefined;
}

/** Returns true where a stack follows its machine and the text makes it do something, or was not checked. */
function actsAtOnce({ outcomes, examined, total }: BulkPlan): boolean {
  return examined < total || outcomes.some(({ outcome, follows }) => outcome === "refused" || follows.length > 0);
}

interface OpenedProps {
  /** The machine of the yard with this document. */
  readonly machine?: string;
  readonly session: Session;
  readonly mode: EditorMode;
  readonly second?: SecondRevision | undefined;
  /** True while it is not known if there is one. */
  readonly awaitsSecond?: boolean;
  readonly steps?: readonly unknown[];
}

/** Renders the editor with a document; others can be opened in its place. */
export function Opened({ machine, session: first, mode, second, awaitsSecond = false, steps }: OpenedProps) {
  const [session, setSession] = useState(first);
  const knowledge = useKnowledge(useYardExecutors());
  const isFirst = session === first;
  return (
    <Workbench
      key={session.key}
      session={session}
      onOpen={setSession}
      knowledge={knowledge}
      openers={<MachinePicker />}
      mode={mode}
      second={isFirst ? second : undefined}
      awaitsSecond={isFirst && awaitsSecond}
      steps={isFirst ? steps : undefined}
      diffTools={
        isFirst && machine !== undefined ? (comparing) => <YardDiff machine={machine} {...comparing} /> : undefined
      }
    />
  );
}

function useYardExecutors(): YardExecutors {
  const { data, error, refetch } = useLoad(keys.other("executors"), (request) => yard.executors.list(request), {
    staleTime: 300_000,
  });
  return useMemo(() => {
    if (data !== undefined || error === null) return { executors: data?.map(toKnownExecutor), failure: undefined };
    const what = "The executors of the yard could not be loaded, so configs of tasks are not checked.";
    return { executors: undefined, failure: { what, error, retry: () => void refetch() } };
  }, [data, error, refetch]);
}

/**
 * Casts the schemas of an executor: the API leaves their content open, and completion reads only the parts that it
 * supports.
 */
function toKnownExecutor({ name, config, documents }: ExecutorDetails): KnownExecutor {
  return {
    name,
    config: config as JsonSchema,
    ...(documents && { documents: { v1: documents.v1 as JsonSchema, v2: documents.v2 as JsonSchema } }),
  };
}

function MachinePicker() {
  const go = useGo();
  const machines = useLoad(keys.other("machines"), (request) => yard.machines.list(request));
  if (hasFailed(machines)) {
    return <Button onPress={() => void machines.refetch()}>Machines not loaded: retry</Button>;
  }
  return (
    <select
      className="input opener"
      aria-label="Open a machine of the yard"
      aria-busy={machines.data === undefined}
      value=""
      onChange={({ target }) => go("/edit", { machine: target.value })}
    >
      <option value="">{machines.data === undefined ? "Machines loading…" : "Machine…"}</option>
      <Options names={itemsOf(machines).map(({ name }) => name)} />
    </select>
  );
}
