import { type FleetFinding, findingOf } from "./finding.ts";
import type { InstanceFacts } from "./fleet-facts.ts";

/** Whether the instance metadata service is there, asks for a token, and shows tags where that is needed. */
export function checkMetadata(
  instances: readonly InstanceFacts[],
  { needsTags }: { readonly needsTags: boolean },
): readonly FleetFinding[] {
  const enabled = instances.filter(({ metadata }) => metadata.isEnabled);
  const findings = [
    ...findingOf(
      instances.filter(({ metadata }) => !metadata.isEnabled),
      {
        check: "metadata",
        status: "fail",
        message: "The instance metadata service is off",
        hint: "Switch it on (HttpEndpoint=enabled, HttpTokens=required): region and credentials come from it.",
      },
    ),
    ...findingOf(
      enabled.filter(({ metadata }) => !metadata.requiresToken),
      {
        check: "metadata",
        status: "warn",
        message: "The instance metadata service answers without a token (IMDSv1)",
        hint: "Set HttpTokens=required; everything of ours uses tokens.",
      },
    ),
    ...findingOf(needsTags ? enabled.filter(({ metadata }) => !metadata.showsTags) : [], {
      check: "metadata",
      status: "fail",
      message: "Tags are not in the instance metadata",
      hint: "Set InstanceMetadataTags=enabled: associations and runs over targets have instances read their own roles.",
    }),
  ] as const;
  if (findings.length > 0 || instances.length === 0) return findings;
  return [{ check: "metadata", status: "ok", message: "The instance metadata service asks for tokens (IMDSv2)." }];
}
