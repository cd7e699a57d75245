import { useEffect, useRef } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { CopyButton } from "../design/copy-button.tsx";
import { useSearch } from "../design/links.tsx";
import { Loaded, Panel } from "../design/page.tsx";
import { Scrolled } from "../design/scrolled.tsx";
import { Text } from "../design/text.tsx";
import { toSafeText } from "../text/safe-text.ts";
import "./machines.css";

/**
 * Renders the newest document of a machine as it was written, also one with errors; marks the `line` in the address.
 */
export function SourceText({ name }: { name: string }) {
  const query = useLoad(keys.machine(name, "source"), (request) => yard.machines.source(name, request));
  return (
    <Loaded query={query} height={320}>
      {({ source, origin }) => (
        <Panel
          title="Text"
          actions={
            <>
              <span className="muted">
                <Text mono>{origin}</Text>
              </span>
              <CopyButton text={source} look="plain" />
            </>
          }
        >
          <Lines source={source} />
        </Panel>
      )}
    </Loaded>
  );
}

function Lines({ source }: { source: string }) {
  const { line } = useSearch();
  const marked = useRef<HTMLLIElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another line of the address is scrolled to
  useEffect(() => {
    void marked.current?.scrollIntoView({ block: "center" });
  }, [line]);
  return (
    <Scrolled label="Text of the machine" className="source-scroll">
      <ol className="source-lines mono">
        {source.split(/\r?\n/).map((text, index) => {
          const isMarked = String(index + 1) === line;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is its number
            <li key={index} {...(isMarked && { ref: marked, "aria-current": "location" as const })}>
              <code>{toSafeText(text) || " "}</code>
            </li>
          );
        })}
      </ol>
    </Scrolled>
  );
}
