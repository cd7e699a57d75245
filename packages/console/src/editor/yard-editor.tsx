import type { ExecutorDetails, MachineSource, RevisionDetails } from "@stackyard/sdk";
import { StackyardApiError } from "@stackyard/sdk";
import { useEffect, useMemo, useState } from "react";
import { isAbsent, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Options } from "../design/fields.tsx";
import { To, useGo, useSearch } from "../design/links.tsx";
import { Empty, Loaded, Page } from "../design/page.tsx";
import { Text } from "../design/text.tsx";
import type { JsonSchema, KnownExecutor } from "../machine/messages.ts";
import type { BottomTab } from "./bottom-panel.tsx";
import { openText } from "./files.ts";
import { useKnowledge } from "./knowledge.ts";
import { createEmptySession, type Home, type Session } from "./session.ts";
import { type SecondRevision, Workbench } from "./workbench.tsx";
import { YardDiff } from "./yard-diff.tsx";

/** Renders the editor with documents of the yard. */
export function YardEditor({ tab }: { tab: BottomTab }) {
  const { machine, rev } = useSearch();
  useEffect(() => {
    document.title = `${machine ?? "Editor"} · Stackyard`;
  }, [machine]);
  if (machine === undefined) return <Opened key="new" session={createEmptySession()} tab={tab} />;
  return rev === undefined ? (
    <NewestMachine key={machine} name={machine} tab={tab} />
  ) : (
    <Revision key={rev} hash={rev} name={machine} tab={tab} />
  );
}

function NewestMachine({ name, tab }: { name: string; tab: BottomTab }) {
  const query = useLoad(keys.machine(name, "source"), (request) => yard.machines.source(name, request), {
    // The document must not be replaced during editing; saving detects concurrent changes.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  if (isAbsent(query.error)) return <Missing name={name} />;
  return (
    <Loaded query={query} height={420}>
      {(source) => <SourceEditor source={source} tab={tab} />}
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

function SourceEditor({ source, tab }: { source: MachineSource; tab: BottomTab }) {
  const [session] = useState(() => toSession(source));
  const isModule = /\.[cm]?[jt]s$/.test(source.origin);
  return isModule ? (
    <ModuleEditor source={source} tab={tab} />
  ) : (
    <Opened session={session} tab={tab} machine={source.machine} />
  );
}

/** Renders a machine of TypeScript or JavaScript, as its generated document. */
function ModuleEditor({ source: { machine, origin }, tab }: { source: MachineSource; tab: BottomTab }) {
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
      {(revision) => <Opened session={toModuleSession(revision, origin)} tab={tab} machine={machine} />}
    </Loaded>
  );
}

/** Creates the session of a module's document, which is edited in the module. */
export function toModuleSession({ machine, hash, source }: RevisionDetails, origin: string): Session {
  const opened = openText(`${machine}.json`, JSON.stringify(JSON.parse(source), undefined, 2));
  return { ...opened, key: `revision ${hash}`, name: machine, readOnly: `Change it in ${origin}` };
}

function Revision({ hash, name, tab }: { hash: string; name: string; tab: BottomTab }) {
  const query = useLoad(keys.machine(name, "revision", { hash }), (request) => yard.machines.revision(hash, request), {
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Loaded query={query} height={420}>
      {(revision) => <RevisionEditor revision={revision} tab={tab} />}
    </Loaded>
  );
}

function RevisionEditor({ revision, tab }: { revision: RevisionDetails; tab: BottomTab }) {
  const { data: newest } = useLoad(keys.machine(revision.machine, "source"), (request) =>
    yard.machines.source(revision.machine, request),
  );
  const [session] = useState(() => toRevisionSession(revision));
  const second = useMemo(
    () => newest && { file: `${revision.machine} newest`, name: revision.machine, text: newest.source },
    [newest, revision.machine],
  );
  return <Opened session={session} tab={tab} second={second} machine={revision.machine} />;
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
  const file = /[^/\\]+\.(?:ya?ml|json)$/.exec(origin)?.[0] ?? `${machine}.yaml`;
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
    title: "Save",
    async save(source) {
      try {
        ({ hash: expectedHash } = await yard.machines.write(machine, { source, expectedHash }));
        return { kind: "saved" };
      } catch (error) {
        const details =
          error instanceof StackyardApiError && error.problem.status === 409 ? error.problem.details : undefined;
        if (typeof details?.["source"] !== "string" || typeof details["hash"] !== "string") throw error;
        expectedHash = details["hash"];
        return { kind: "conflict", theirs: details["source"] };
      }
    },
  };
}

interface OpenedProps {
  /** The machine of the yard with this document. */
  readonly machine?: string;
  readonly session: Session;
  readonly tab: BottomTab;
  readonly second?: SecondRevision | undefined;
  readonly steps?: readonly unknown[];
}

/** Renders the editor with a document; others can be opened in its place. */
export function Opened({ machine, session: first, tab, second, steps }: OpenedProps) {
  const [session, setSession] = useState(first);
  const { data: executors } = useLoad(keys.other("executors"), (request) => yard.executors.list(request), {
    staleTime: 300_000,
  });
  const known = useMemo(() => executors?.map(toKnownExecutor), [executors]);
  const knowledge = useKnowledge(known);
  const isFirst = session === first;
  return (
    <Workbench
      key={session.key}
      session={session}
      onOpen={setSession}
      knowledge={knowledge}
      openers={<MachinePicker />}
      tab={tab}
      second={isFirst ? second : undefined}
      steps={isFirst ? steps : undefined}
      diffTools={
        isFirst && machine !== undefined ? (comparing) => <YardDiff machine={machine} {...comparing} /> : undefined
      }
    />
  );
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
  const { data } = useLoad(keys.other("machines"), (request) => yard.machines.list(request));
  return (
    <select
      className="input opener"
      aria-label="Open a machine of the yard"
      value=""
      onChange={({ target }) => go("/edit", { machine: target.value })}
    >
      <option value="">Machine…</option>
      <Options names={(data ?? []).map(({ name }) => name)} />
    </select>
  );
}
