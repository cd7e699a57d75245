import type { StackBundle } from "@stackyard/sdk";
import { useState } from "react";
import { toFailure, yard } from "../api/client.ts";
import { Button } from "../design/button.tsx";
import { To, useSearch } from "../design/links.tsx";
import { Page, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { saveFile } from "../design/save-file.ts";
import { StackLink } from "../design/stack-link.tsx";
import { Text } from "../design/text.tsx";
import { OpenedBundle } from "./opened-bundle.tsx";
import { readBundle } from "./parse-bundle.ts";
import "./bundle.css";

/** Makes the bundle of a stack, and shows the stack of a bundle's file: read-only, and without a yard too. */
export function BundlePage() {
  const { id = "" } = useSearch();
  const [bundle, setBundle] = useState<StackBundle>();
  if (bundle !== undefined) return <OpenedBundle bundle={bundle} onClose={() => setBundle(undefined)} />;
  return (
    <Page
      title="Bundle"
      sentence="Everything about a stack in one file, which opens without a yard. Sensitive values are *** in it."
    >
      {id === "" ? (
        <div className="columns">
          <OpenFile onOpen={setBundle} isPrimary />
          <HowToMake />
        </div>
      ) : (
        <>
          <Download id={id} />
          <OpenFile onOpen={setBundle} />
        </>
      )}
    </Page>
  );
}

const CONTENT = {
  Contains:
    "details, the graph of the machine, up to 10,000 lines of history, attempts with the ends of their logs, " +
    "revisions of the machine, parked events, servers and workers",
  Masked: "sensitive metadata, outputs and log lines: they contain *** instead of the value",
};

/** Renders how a bundle is made, and what is in it. */
function HowToMake() {
  return (
    <Panel title="Make one">
      <div className="panel-body stack-v">
        <p>
          <To path="/stacks">Open a stack</To> and choose Bundle in its menu.
        </p>
        <Pairs of={CONTENT} />
      </div>
    </Panel>
  );
}

/** The files that a bundle may be in. */
const FORMS = {
  page: {
    extension: "html",
    load: async (id: string) => new Blob([await yard.stacks.bundlePage(id)], { type: "text/html" }),
  },
  json: {
    extension: "bundle.json",
    load: async (id: string) =>
      new Blob([JSON.stringify(await yard.stacks.bundle(id), undefined, 1)], { type: "application/json" }),
  },
} as const;

/** Renders the content of a bundle, and its download. */
function Download({ id }: { id: string }) {
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState<keyof typeof FORMS>();
  const run = async (form: keyof typeof FORMS) => {
    setBusy(form);
    setFailure(undefined);
    try {
      const { extension, load } = FORMS[form];
      saveFile(await load(id), `${id.replaceAll(/[^\w.-]/g, "_")}.${extension}`);
    } catch (error) {
      setFailure(toFailure(error).detail);
    }
    setBusy(undefined);
  };
  const refusal = busy && "Preparing the file";
  return (
    <Panel
      title="Download"
      actions={
        <>
          <Button look="primary" refusal={refusal} onPress={() => void run("page")}>
            {busy === "page" ? "Preparing…" : "Download page"}
          </Button>
          <Button refusal={refusal} onPress={() => void run("json")}>
            {busy === "json" ? "Preparing…" : "Download JSON"}
          </Button>
        </>
      }
    >
      <div className="panel-body stack-v">
        <p>
          Everything about <StackLink id={id} /> in one file of at most 32 MiB. The page opens with a double click,
          without a yard and a network; the JSON is for programs, and for the form below.
        </p>
        <Pairs of={CONTENT} />
        {failure !== undefined && (
          <p className="tone-fail" role="alert">
            <Text>{failure}</Text>
          </p>
        )}
      </div>
    </Panel>
  );
}

interface OpenFileProps {
  readonly onOpen: (bundle: StackBundle) => void;
  /** Opening a file is what one most likely does here. */
  readonly isPrimary?: boolean;
}

/** Renders where a file is dropped, or chosen with a button. */
function OpenFile({ onOpen, isPrimary = false }: OpenFileProps) {
  const [problem, setProblem] = useState<string>();
  const [isOver, setOver] = useState(false);
  const open = async (file: File | undefined) => {
    if (file === undefined) return;
    const parsed = await readBundle(file);
    if (parsed.kind === "bundle") onOpen(parsed.bundle);
    else setProblem(parsed.message);
  };
  return (
    <Panel title="Open a file">
      <section
        className="bundle-drop"
        aria-label="File"
        {...(isOver && { "data-over": true })}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void open(event.dataTransfer.files[0]);
        }}
      >
        <p>
          <strong>Drop the JSON file of a bundle here</strong>
        </p>
        <p className="muted">It is read in this browser, and sent nowhere.</p>
        <label className={isPrimary ? "button primary bundle-choose" : "button bundle-choose"}>
          Choose a file…
          <input
            type="file"
            accept=".json,application/json"
            aria-label="File of a bundle"
            className="hidden-visually"
            onChange={(event) => void open(event.target.files?.[0])}
          />
        </label>
        {problem !== undefined && (
          <p className="tone-fail" role="alert">
            {problem}
          </p>
        )}
      </section>
    </Panel>
  );
}
