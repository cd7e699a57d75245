import { useEffect, useRef } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { CopyButton } from "../design/copy-button.tsx";
import { useSearch } from "../design/links.tsx";
import { Loaded, Panel } from "../design/page.tsx";
import { SourceLines } from "../design/source-lines.tsx";
import { Text } from "../design/text.tsx";

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
  const place = useRef<HTMLLIElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another line of the address is scrolled to
  useEffect(() => {
    void place.current?.scrollIntoView({ block: "center" });
  }, [line]);
  return <SourceLines label="Text of the machine" source={source} marked={{ line, place }} />;
}
