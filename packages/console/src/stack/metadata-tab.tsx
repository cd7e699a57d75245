import { cutText } from "@stackyard/core";
import type { MetadataValue } from "@stackyard/sdk";
import { useEffect, useState } from "react";
import { yard } from "../api/client.ts";
import { itemsOf, useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { ActionDialog } from "../design/dialog.tsx";
import { TextLink, useChangeSearch, useSearch } from "../design/links.tsx";
import { Empty, MissingNotice, NoMatch, Panel } from "../design/page.tsx";
import { Scrolled } from "../design/scrolled.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Ago, MaybeLink, Text } from "../design/text.tsx";
import { type MetadataRow, toMetadataRows } from "./metadata-rows.ts";
import { useOperateRefusal } from "./refusals.ts";
import type { StackProps, StackSource } from "./source.ts";

const MASK = "***";
const MAX_KEYS = 200;
/** Characters of a value that are shown at first. */
const MAX_SHOWN = 2_048;
const PREVIEW = 200;
const REVEALED_MS = 30_000;
const HISTORY = 1_000;

/** Renders the metadata of a stack: each key with its value and the event that has set it. */
export function MetadataTab({ source, stack }: StackProps) {
  const { q = "" } = useSearch();
  const change = useChangeSearch();
  const [shown, setShown] = useState(MAX_KEYS);
  const history = useLoad(source.key("attempts-history"), ({ signal }) =>
    source.loadHistory({ limit: HISTORY, signal }),
  );
  const text = q.toLowerCase();
  const all = Object.entries(stack.metadata).filter(([key]) => key.toLowerCase().includes(text));
  const rows = toMetadataRows(Object.fromEntries(all.slice(0, shown)), itemsOf(history));
  const columns: Column<MetadataRow>[] = [
    {
      header: "Key",
      cell: ({ key }) => (
        <b>
          <Text>{key}</Text>
        </b>
      ),
    },
    {
      header: "Value",
      cell: ({ key, value }) =>
        value === MASK ? <SecretValue source={source} stack={stack} name={key} /> : <Value name={key} value={value} />,
    },
    { header: "Set by", cell: (row) => <Origin source={source} row={row} /> },
  ];
  if (Object.keys(stack.metadata).length === 0) return <Empty>This stack has no metadata.</Empty>;
  return (
    <Panel
      title="Metadata"
      note={Object.keys(stack.metadata).length}
      actions={
        <input
          className="input"
          type="search"
          aria-label="Filter by key"
          placeholder="Key"
          data-shortcut="/"
          value={q}
          onChange={({ target }) => change({ q: target.value })}
        />
      }
    >
      <MissingNotice query={history} />
      <Table
        label="Metadata"
        columns={columns}
        rows={rows}
        keyOf={({ key }) => key}
        empty={<NoMatch filters={`the key "${q}"`} onClear={() => change({ q: undefined })} />}
      />
      {history.data?.cursor !== undefined && rows.some(({ origin }) => origin === undefined) && (
        <p className="notice muted">
          Events are looked up in the newest {HISTORY.toLocaleString("en")} lines of the history. Older ones are in the
          history of the stack.
        </p>
      )}
      {all.length > shown && (
        <div className="notice">
          <Button onPress={() => setShown(shown + MAX_KEYS)}>Show more ({all.length - shown})</Button>
        </div>
      )}
    </Panel>
  );
}

function Value({ name, value }: { name: string; value: MetadataValue }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") return <code>{JSON.stringify(value)}</code>;
  if (value === "") return <span className="muted">empty text</span>;
  if (value.length <= MAX_SHOWN) {
    return (
      <Scrolled label={name} className="metadata-value">
        <MaybeLink value={value} />
      </Scrolled>
    );
  }
  return (
    <Scrolled label={name} className="metadata-value">
      <Text>{whole ? value : cutText(value, PREVIEW)}</Text>{" "}
      <Button look="plain" onPress={() => setWhole(!whole)}>
        {whole ? "Show less" : `Show all (${Math.ceil(value.length / 1_024)} KiB)`}
      </Button>
    </Scrolled>
  );
}

interface SecretProps extends StackProps {
  readonly name: string;
}

/** Renders a sensitive value: shown on request for 30 seconds, and recorded. It is never cached. */
function SecretValue({ source, stack, name }: SecretProps) {
  const refusal = useOperateRefusal(source, stack, "secrets:read");
  const [asking, setAsking] = useState(false);
  const [value, setValue] = useState<MetadataValue>();
  useEffect(() => {
    if (value === undefined) return;
    const timer = setTimeout(() => setValue(undefined), REVEALED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return (
    <div className="row">
      {value === undefined ? <code>{MASK}</code> : <Value name={name} value={value} />}
      {value === undefined ? (
        <Button look="plain" label={`Reveal ${name}…`} refusal={refusal} onPress={() => setAsking(true)}>
          Reveal…
        </Button>
      ) : (
        <Button look="plain" onPress={() => setValue(undefined)}>
          Hide
        </Button>
      )}
      {asking && (
        <ActionDialog
          title={`Reveal ${name}`}
          verb="Reveal"
          reason="required"
          refusal={refusal}
          act={async (reason = "") => setValue(await yard.stacks.reveal(stack.id, name, { reason }))}
          onClose={() => setAsking(false)}
        >
          <p>The value is shown for 30 seconds. Who has seen it and why is recorded in the audit log.</p>
        </ActionDialog>
      )}
    </div>
  );
}

function Origin({ source, row: { origin, by } }: { source: StackSource; row: MetadataRow }) {
  const search = useSearch();
  if (origin === undefined) return <span className="muted">–</span>;
  const { id } = search;
  return (
    <span className="nowrap">
      <TextLink path={source.path} search={{ id, tab: "history", at: String(origin.position) }} text={origin.event} />{" "}
      <span className="muted">
        <Ago at={origin.at} />
        {by !== undefined && (
          <>
            {" by "}
            <Text>{by}</Text>
          </>
        )}
      </span>
    </span>
  );
}
