import { toSafeText } from "../../text/safe-text.ts";
import { Text } from "../text.tsx";
import { isPlanDigest } from "./plan-digest.ts";

/** Renders the digest of a plan by its beginning and end, the whole on hover; any other text unchanged. */
export function PlanName({ of }: { readonly of: string }) {
  if (!isPlanDigest(of)) return <Text mono>{of}</Text>;
  return (
    <span className="mono nowrap" title={toSafeText(of)}>
      {`sha256:${of.slice(0, 4)}…${of.slice(-3)}`}
    </span>
  );
}
