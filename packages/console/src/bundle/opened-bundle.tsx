import type { StackBundle } from "@stackyard/sdk";
import { useMemo } from "react";
import { Button } from "../design/button.tsx";
import { Day, Text } from "../design/text.tsx";
import { FleetOfFile } from "../fleet/fleet-of-file.tsx";
import { LogLinks } from "../log/log-links.ts";
import { StackView } from "../stack/stack-view.tsx";
import { createBundleSource } from "./bundle-source.ts";

interface OpenedBundleProps {
  readonly bundle: StackBundle;
  /** Without it the bundle stays open, as in a page that contains it. */
  readonly onClose?: () => void;
}

/** Renders the stack of a bundle, and what the file is. */
export function OpenedBundle({ bundle, onClose }: OpenedBundleProps) {
  const source = useMemo(() => createBundleSource(bundle), [bundle]);
  return (
    <div className="stack-v">
      <div className="notice warn">
        <p>
          Bundle of <Text>{bundle.stackId}</Text>, made <Day at={bundle.createdAt} /> by a server of version{" "}
          <Text>{bundle.version}</Text>. Nothing here is live.
        </p>
        {bundle.cut.length > 0 && <p>Not whole: {bundle.cut.join(", ")}.</p>}
        {onClose !== undefined && <Button onPress={onClose}>Close the file</Button>}
      </div>
      <FleetOfFile bundle={bundle} path="/bundle" />
      {!isReportAlone(bundle) && (
        <LogLinks value={false}>
          <StackView source={source} />
        </LogLinks>
      )}
    </div>
  );
}

/** Returns true for a task of a machine. */
function isReportAlone({ report, stack, history }: StackBundle): boolean {
  return report !== undefined && stack === null && history.length === 0;
}
