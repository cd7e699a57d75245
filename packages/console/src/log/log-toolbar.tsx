import { type KeyboardEvent, useState } from "react";
import { Button } from "../design/button.tsx";
import { CopyButton } from "../design/copy-button.tsx";
import { isEnter } from "../design/keys.ts";
import { useChangeSearch, useSearch } from "../design/links.tsx";
import { toPlainText } from "../text/ansi.ts";
import { formatBytes } from "../text/format-bytes.ts";
import { TimesSwitch } from "./line-time.tsx";
import { isCause } from "./log-causes.ts";
import { isTailOnly, type LogReader, type LogState, type SearchDirection } from "./log-reader.ts";
import type { Folds } from "./use-folds.ts";
import type { ShownTimes } from "./use-log-times.ts";

interface ToolbarProps {
  readonly reader: LogReader;
  readonly state: LogState;
  readonly attemptId: string;
  readonly selected: number | undefined;
  readonly follow: boolean;
  readonly wrap: boolean;
  readonly folds: Folds;
  readonly times: ShownTimes;
  readonly onFollow: () => void;
  readonly onWrap: () => void;
  readonly onFound: () => void;
}

/** Renders what acts on a log: search, jumps to errors, folding, and how lines are shown. They are tools, except the way to the cause. */
export function Toolbar(props: ToolbarProps) {
  const { reader, state, attemptId, selected, follow, wrap, folds, times, onFollow, onWrap, onFound } = props;
  const { q: sought = "" } = useSearch();
  const change = useChangeSearch();
  const [missing, setMissing] = useState<string>();
  const find = async (what: string, fits: (line: string) => boolean, direction: SearchDirection) => {
    setMissing(undefined);
    const found =
      (await reader.find(fits, selected, direction)) ??
      (selected === undefined ? undefined : await reader.find(fits, undefined, direction));
    if (found === undefined) return setMissing(`No ${what} in this log.`);
    onFound();
    change({ line: String(found) });
  };
  const text = sought.toLowerCase();
  const findText = (direction: SearchDirection) =>
    text === "" ? undefined : find("match", (line) => toPlainText(line).toLowerCase().includes(text), direction);
  const noText = text === "" ? "Enter a text first" : undefined;
  const onKeyDown = (event: KeyboardEvent) => {
    if (isEnter(event)) void findText(event.shiftKey ? "previous" : "next");
  };
  return (
    <div className="row" role="toolbar" aria-label="Log">
      <input
        className="input"
        type="search"
        aria-label="Find in the log"
        placeholder="Find"
        data-shortcut="/"
        value={sought}
        onKeyDown={onKeyDown}
        onChange={({ target }) => change({ q: target.value })}
      />
      <Button look="plain" label="Previous match" idle={noText} onPress={() => void findText("previous")}>
        ‹
      </Button>
      <Button look="plain" label="Next match" idle={noText} onPress={() => void findText("next")}>
        ›
      </Button>
      <Button onPress={() => void find("error", isCause, "next")}>Next error</Button>
      <Button look="plain" label="Previous error" onPress={() => void find("error", isCause, "previous")}>
        Previous
      </Button>
      <span className="log-tools-gap" />
      <Button look="plain" pressed={follow} onPress={onFollow}>
        Follow
      </Button>
      <Button look="plain" pressed={wrap} onPress={onWrap}>
        Wrap
      </Button>
      <TimesSwitch times={times} />
      {folds.sections.length > 1 && (
        <Button look="plain" pressed={folds.allFolded} onPress={folds.toggleAll}>
          Fold steps
        </Button>
      )}
      {selected !== undefined && (
        <CopyButton look="plain" text={window.location.href} label="Copy the link to this line" name="Copy link" />
      )}
      <a className="button plain" href={toDownload(attemptId, times.shown)} download={toFileName(attemptId)}>
        Download
      </a>
      <span className="muted" aria-live="polite">
        {formatBytes(state.size)}
        {state.searching && ", searching"}
        {missing !== undefined && ` · ${missing}`}
      </span>
      {isTailOnly(state) && (
        <span className="tone-warn" title="The runner keeps only the end of this log.">
          Tail only
        </span>
      )}
    </div>
  );
}

/** The file has the times if the page shows them. */
function toDownload(attemptId: string, timed: boolean): string {
  return `/v1/attempts/${encodeURIComponent(attemptId)}/full-log${timed ? "?timestamps=true" : ""}`;
}

function toFileName(attemptId: string): string {
  return `${attemptId.replaceAll(/[^A-Za-z0-9._-]+/g, "_").slice(0, 100)}.log`;
}
