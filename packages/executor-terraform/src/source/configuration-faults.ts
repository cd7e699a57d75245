import type { Diagnostic } from "../run/failure.ts";

/**
 * Summaries of faults of the configuration or of its variables that may come without a place in a file, or with the
 * address of a resource (Terraform and OpenTofu, `internal/configs`, `internal/terraform`, HCL).
 */
const FAULTS = [
  "Unreadable module directory|Module not (?:found|installed)|Local module path escapes module package",
  "Module source has changed|Invalid module (?:source address|instance key|version)|Module is not published",
  "Unresolvable module version constraint|Inconsistent dependency lock file",
  "Error loading state: workspaces not supported",
  "Unsupported (?:backend type|block type|argument|attribute|operator|Terraform Core version|OpenTofu Core version)",
  "Missing (?:required argument|resource instance key|newline after|base terraform block|name for)",
  "Invalid (?:value for (?:input )?variable|expression|reference|block definition|character|multi-line string|template)",
  "Invalid (?:argument name|for_each argument|count argument|function argument|operand|index|single-argument block)",
  "Invalid (?:resource type|provider|backend|attribute|default value for variable|type specification|variable name)",
  "Invalid use of ephemeral value|Ephemeral value not allowed",
  "No value for (?:required )?variable|Value for undeclared variable|Incorrect attribute value type",
  "Reference to undeclared|Call to unknown function|Error in function call|Not enough function arguments",
  "Duplicate|Argument or block definition required|Unclosed (?:configuration block|template)|Cycle:|Self-referential",
  "Unsuitable value type|Inconsistent conditional result types|Extraneous|Attribute redefined|Variables not allowed",
  "Provider configuration not present|Backend (?:configuration|initialization) block|Invalid quoted type constraints",
].join("|");
const FAULT = new RegExp(`^(?:${FAULTS})`);

/** Summaries of errors with a place in a file that may pass: a service does not answer, or data may change. */
const MAY_PASS = /^(?:Failed |Error |Could not |Unable to |Cannot import )|(?:pre|post)condition failed$/;

/** Details of errors about providers that the registry has answered. */
const WRONG_PROVIDER =
  /does not have a provider named|no available releases match the given constraints|does not match configured version constraint/;

/**
 * Returns true for an error that another attempt with the same configuration and variables cannot avoid. What has a
 * place in the configuration and belongs to no resource comes from the language, not from a provider.
 */
export function isConfigurationFault({ summary, place, address }: Diagnostic): boolean {
  // With an address, a provider may have found it in a service.
  if (FAULT.test(summary)) return address === undefined || !summary.startsWith("Invalid provider");
  return place !== undefined && address === undefined && !MAY_PASS.test(summary);
}

/** Returns true if all errors in the text of a program are such faults. */
export function saysConfigurationFault(text: string): boolean {
  const errors = text
    .replace(/^[│|] ?/gm, "")
    .split(/^Error: /m)
    .slice(1)
    .filter((error) => !/^(?:Terraform|OpenTofu) encountered problems/.test(error));
  return errors.length > 0 && errors.every(isFaultText);
}

function isFaultText(error: string): boolean {
  if (WRONG_PROVIDER.test(error.replace(/\s+/g, " "))) return true;
  const [summary = ""] = error.split("\n");
  const place = /^[^\S\n]*on .+ line \d+/m.exec(error)?.[0];
  return isConfigurationFault({ severity: "error", summary, detail: "", ...(place !== undefined && { place }) });
}
