import { defined, nameApart, toShellCommand } from "@stackyard/core";
import type { AuditLine } from "@stackyard/sdk";
import { useMemo, useState } from "react";
import { useRefusal } from "../api/access.ts";
import { toFailure, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { usePages } from "../api/use-pages.ts";
import { Button } from "../design/button.tsx";
import { Filters, FilterText, FilterTime } from "../design/filters.tsx";
import { clean, useChangeSearch, useSearch } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { Empty, Loaded, NoMatch, Page, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { saveFile } from "../design/save-file.ts";
import { StackLink } from "../design/stack-link.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { Instant, Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { useMedia } from "../design/use-media.ts";
import { toSafeText } from "../text/safe-text.ts";
import { formatAction } from "./format-action.ts";

const FILTERS = [
  ["who", "Who (id or name)"],
  ["action", "Action (its name)"],
  ["stack", "Stack"],
] as const;

/** The parts of the address that choose lines. */
const NAMES = [...FILTERS.map(([name]) => name), "since"] as const;

/** Renders the audit log: its lines and the state of its chain. */
export function AuditPage() {
  return (
    <Page title="Audit" actions={<Export />}>
      <Chain />
      <Lines />
    </Page>
  );
}

function Chain() {
  const head = useLoad(keys.other("audit-head"), (request) => yard.audit.head(request));
  return (
    <Panel title="Chain">
      <Loaded query={head} height={64}>
        {({ seq, hash, first }) =>
          seq === 0 ? (
            <Empty>No line has been sealed yet.</Empty>
          ) : (
            <Pairs
              className="pairs panel-body"
              of={{
                Lines: `${first.seq} to ${seq}`,
                [`SHA-256 of line ${seq}`]: <span className="mono">{hash}</span>,
                "Check the chain": <code>{toShellCommand`stackyard audit verify --head ${hash}`}</code>,
              }}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

function Lines() {
  const search = useSearch();
  const change = useChangeSearch();
  const filter = clean(Object.fromEntries(NAMES.map((name) => [name, search[name]])));
  const lines = usePages(keys.other("audit", filter), (part) => yard.audit.list({ ...filter, ...part }));
  const isFolded = useMedia("(min-width: 720px) and (max-width: 1199px)");
  const columns = useMemo(
    () =>
      toColumns(
        (lines.items ?? []).map(({ who }) => who),
        isFolded,
      ),
    [lines.items, isFolded],
  );
  const isFiltered = Object.keys(filter).length > 0;
  const clear = () => change({ who: undefined, action: undefined, stack: undefined, since: undefined });
  const nothing = isFiltered ? (
    <NoMatch
      filters={Object.entries(filter)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ")}
      onClear={clear}
    />
  ) : (
    <Empty>Nothing has been recorded yet.</Empty>
  );
  return (
    <Panel title="Lines" actions={<Button onPress={lines.refetch}>Refresh</Button>}>
      <Filters>
        {FILTERS.map(([name, label], index) => (
          <FilterText key={name} name={name} label={label} {...(index === 0 && { shortcut: "/" })} isExact />
        ))}
        <FilterTime name="since" label="Since" />
      </Filters>
      <ListTable
        list={lines}
        empty={nothing}
        label="Lines of the audit log, newest first"
        height="70vh"
        columns={columns}
        keyOf={({ id }) => id}
      />
    </Panel>
  );
}

const OUTCOMES: Readonly<Record<AuditLine["outcome"], readonly [Status, string]>> = {
  done: ["succeeded", "Done"],
  begun: ["running", "Begun"],
  failed: ["failed", "Failed"],
  denied: ["rejected", "Denied"],
};

/** The columns. Folded, the origin of a request is below its sender, and texts wrap; on a phone the table scrolls, its rows stay low. */
const toColumns = (people: readonly AuditLine["who"][], isFolded: boolean): readonly Column<AuditLine>[] => [
  { header: "Line", number: true, cell: ({ seq }) => seq },
  { header: "At", line: true, cell: ({ at }) => <Instant at={at} /> },
  {
    header: "Who",
    ...(!isFolded && { line: true }),
    cell: ({ who, via }) => (
      <span title={who.id} className="wrap">
        <Text>{nameApart(who, people)}</Text> <span className="muted">{who.kind}</span>
        {isFolded && (
          <span className="muted">
            , <Text>{formatOrigin({ who, via })}</Text>
          </span>
        )}
      </span>
    ),
  },
  {
    header: "Action",
    ...(!isFolded && { line: true }),
    cell: ({ action, count }) => <Action action={action} {...defined({ count })} />,
  },
  {
    header: "Outcome",
    ...(!isFolded && { line: true }),
    cell: ({ outcome, code }) => {
      const [status, word] = OUTCOMES[outcome] ?? ["quiet", outcome];
      return <Mark status={status} word={code === undefined ? word : `${word} ${code}`} />;
    },
  },
  {
    header: isFolded ? "On, reason" : "On",
    ...(!isFolded && { line: true }),
    cell: ({ on, reason }) => (
      <>
        <Subject on={on} />
        {isFolded && reason !== undefined && (
          <div className="muted">
            <Text>{reason}</Text>
          </div>
        )}
      </>
    ),
  },
  ...(isFolded ? [] : UNFOLDED),
];

/** The columns that are folded into others. */
const UNFOLDED: readonly Column<AuditLine>[] = [
  { header: "Reason", prose: true, cell: ({ reason }) => <Text>{reason ?? ""}</Text> },
  { header: "From", line: true, cell: (line) => <Text>{formatOrigin(line)}</Text> },
];

/** Formats where a request came from, such as `api 10.0.0.7`. */
function formatOrigin({ who, via }: Pick<AuditLine, "who" | "via">): string {
  return who.address ? `${via} ${who.address}` : via;
}

/** Renders an action in words; its name, which the filter takes, on hover. */
function Action({ action, count }: Pick<AuditLine, "action" | "count">) {
  const words = formatAction(action);
  return (
    <span title={toSafeText(action)}>
      <Text>{count ? `${words} ×${count}` : words}</Text>
    </span>
  );
}

function Subject({ on }: { on: AuditLine["on"] }) {
  const { stackId, ...others } = on;
  return (
    <span className="wrap">
      {stackId !== undefined && <StackLink id={stackId} />}{" "}
      <Text>
        {Object.entries(others)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}
      </Text>
    </span>
  );
}

/** Downloads all lines as they are hashed: one a line, oldest first. */
function Export() {
  const refusal = useRefusal("audit");
  const toast = useToast();
  const [count, setCount] = useState<number>();
  const run = async () => {
    const parts: string[] = [];
    try {
      for await (const line of yard.audit.export()) {
        parts.push(`${line}\n`);
        if (parts.length % 1_000 === 0) setCount(parts.length);
      }
      saveFile(new Blob(parts, { type: "application/x-ndjson" }), "audit.ndjson");
      toast(`Exported ${parts.length} lines.`);
    } catch (error) {
      toast(`Export failed: ${toFailure(error).detail}`, "fail");
    } finally {
      setCount(undefined);
    }
  };
  return (
    <Button onPress={() => void run()} refusal={count === undefined ? refusal : `Exporting, ${count} lines`}>
      {count === undefined ? "Export" : `Exporting ${count}`}
    </Button>
  );
}
