import type { StackDetails } from "@stackyard/sdk";
import { isAbsent } from "../api/client.ts";
import { useListPlace } from "../api/last-list.ts";
import { JOB_MACHINE, toStackStatus } from "../api/status.ts";
import { useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { To, useGo, useSearch } from "../design/links.tsx";
import { Pill } from "../design/mark.tsx";
import { Empty, ErrorNotice, Page, Skeleton } from "../design/page.tsx";
import { Tabs } from "../design/tabs.tsx";
import { Ago, MaybeLink, OutsideLink, Text } from "../design/text.tsx";
import { toSafeLink } from "../text/safe-text.ts";
import { AttemptsTab } from "./attempts-tab.tsx";
import { HistoryTab } from "./history-tab.tsx";
import { MachineTab } from "./machine-tab.tsx";
import { MetadataTab } from "./metadata-tab.tsx";
import { NowTab } from "./now-tab.tsx";
import type { StackProps, StackSource } from "./source.ts";
import { StackActions } from "./stack-actions.tsx";
import { StackSentence } from "./stack-sentence.tsx";
import "./stack.css";

const TABS = [
  { id: "now", title: "Now" },
  { id: "history", title: "History" },
  { id: "attempts", title: "Attempts" },
  { id: "metadata", title: "Metadata" },
  { id: "machine", title: "Machine" },
];

/** Renders a stack from any source, with its tabs. */
export function StackView({ source }: { source: StackSource }) {
  const query = useLoad(source.key("details"), ({ signal }) => source.loadDetails(signal));
  const { data, error } = query;
  if (isAbsent(error)) return <RemovedStack source={source} />;
  if (data !== undefined) return <LoadedStack source={source} stack={data} />;
  return (
    <Page title={source.stackId} heading={<Text>{source.stackId}</Text>}>
      {error === null ? <Skeleton height={480} /> : <ErrorNotice error={error} onRetry={() => void query.refetch()} />}
    </Page>
  );
}

function LoadedStack({ source, stack }: StackProps) {
  const { tab = "now" } = useSearch();
  return (
    <Page title={stack.id} heading={<Heading stack={stack} />} actions={<Neighbours source={source} />}>
      <StackSentence stack={stack} />
      <div className="stack-bar">
        <Links stack={stack} />
        <StackActions source={source} stack={stack} />
      </div>
      <Tabs path={source.path} tabs={TABS} keep={["id"]} />
      {tab === "now" && <NowTab source={source} stack={stack} />}
      {tab === "history" && <HistoryTab source={source} stack={stack} />}
      {tab === "attempts" && <AttemptsTab source={source} stack={stack} />}
      {tab === "metadata" && <MetadataTab source={source} stack={stack} />}
      {tab === "machine" && <MachineTab source={source} stack={stack} />}
    </Page>
  );
}

function Heading({ stack }: { stack: StackDetails }) {
  const { id, machine, machineHash, state, enteredAt, pull } = stack;
  return (
    <span className="row">
      <Pill status={toStackStatus(stack)} />
      <Text>{id}</Text>
      <span className="stack-facts">
        {machine === JOB_MACHINE ? (
          <To path="/job" search={{ id }}>
            Show as a job
          </To>
        ) : (
          <To path="/machine" search={{ name: machine }}>
            <Text>{machine}</Text>@{machineHash.slice(0, 4)}
          </To>
        )}
        <span>
          <Text>{state}</Text> for <Ago at={enteredAt} plain />
        </span>
        {pull !== undefined && <OutsideLink href={pull.url} word={`#${pull.number}`} />}
      </span>
    </span>
  );
}

const MAX_LINKS = 3;

/** Addresses in the metadata, such as that of a preview. */
function Links({ stack: { metadata } }: { stack: StackDetails }) {
  const links = Object.entries(metadata).flatMap(([key, value]) =>
    typeof value === "string" && toSafeLink(value) !== undefined ? [{ key, value }] : [],
  );
  if (links.length === 0) return null;
  return (
    <p className="row">
      {links.slice(0, MAX_LINKS).map(({ key, value }) => (
        <span key={key} className="wrap">
          <span className="muted">
            <Text>{key}</Text>{" "}
          </span>
          <MaybeLink value={value} />
        </span>
      ))}
    </p>
  );
}

/** Previous and next stack of the list from which this one was opened; nothing where it was opened from none. */
function Neighbours({ source: { stackId, path } }: { source: StackSource }) {
  const place = useListPlace(stackId);
  const go = useGo();
  if (path !== "/stack" || place === undefined) return null;
  const open = (id: string | undefined) => id !== undefined && go("/stack", { id });
  return (
    <span className="row">
      <Button
        shortcut="["
        look="plain"
        label="Previous stack of the list"
        idle={place.previous === undefined ? "This is the first one loaded" : undefined}
        onPress={() => open(place.previous)}
      >
        ‹
      </Button>
      <span className="muted nowrap">
        {place.place} of {place.total} loaded
      </span>
      <Button
        shortcut="]"
        look="plain"
        label="Next stack of the list"
        idle={place.next === undefined ? "This is the last one loaded" : undefined}
        onPress={() => open(place.next)}
      >
        ›
      </Button>
    </span>
  );
}

/** Renders a removed stack with its history; one without a history never existed, or may not be read. */
function RemovedStack({ source }: { source: StackSource }) {
  const query = useLoad(source.key("exists"), ({ signal }) => source.loadHistory({ limit: 1, signal }));
  const exists = (query.data?.items.length ?? 0) > 0;
  const heading = (
    <span className="row">
      {exists && <Pill status="removed" />}
      <Text>{source.stackId}</Text>
    </span>
  );
  return (
    <Page title={source.stackId} heading={heading}>
      {query.isPending && <Skeleton height={240} />}
      {query.error !== null && <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />}
      {query.data !== undefined && !exists && <Empty>Not found, or you may not read it.</Empty>}
      {exists && (
        <>
          <p className="stack-summary">The stack was removed. Its history remains.</p>
          <HistoryTab source={source} stack={undefined} />
        </>
      )}
    </Page>
  );
}
