import type { ServiceLookUps } from "../lookups/load-release-look-ups.ts";
import type { ResourceProblem } from "../lookups/look-up.ts";

type Looks = Pick<ServiceLookUps, "image" | "service">;

/**
 * An image from which nothing can be launched, or not on these types: EC2 would say so only after the template was made, or to Auto
 * Scaling after the group was.
 */
export function findImageProblems({ image, service }: Looks): readonly ResourceProblem[] {
  if (image.kind === "refused") return [];
  const { id, state = "available", architecture = "" } = image.value;
  if (state !== "available") {
    const message = `Image ${id} is ${state}. It can be used when it is available.`;
    return [{ code: "release-image-not-available", message }];
  }
  const others = [service.instance_type, ...service.instance_types].filter((type) => {
    const needed = toArchitecture(type);
    return needed !== undefined && ARCHITECTURES.includes(architecture) && needed !== architecture;
  });
  if (others.length === 0) return [];
  const message = `Image ${id} is for ${architecture}, and instances of ${others.join(", ")} are not.`;
  return [{ code: "release-image-architecture", message }];
}

/** What may go wrong with an image that can be used. `account`: the release's. */
export function findImageWarnings(
  { image }: Pick<Looks, "image">,
  { account }: { readonly account: string },
): readonly string[] {
  if (image.kind === "refused") return [];
  const { id, owner = account } = image.value;
  return owner === account ? [] : [`Image ${id} is of account ${owner}: whoever owns it decides what boots.`];
}

/** Those that the names of types tell apart. */
const ARCHITECTURES: readonly string[] = ["arm64", "x86_64"];

/** Families whose names do not say it: Macs, the high-memory ones with their sizes in front, and accelerators by their chips' names. */
const UNTOLD = /^(mac|u-)|^p\d+[a-z]*-/;

/**
 * Which machine code a type runs, by its name: a `g` behind the generation stands for Graviton. Undefined where nobody can tell.
 * Source: EC2 user guide, "Amazon EC2 instance type naming conventions".
 */
function toArchitecture(type: string): "arm64" | "x86_64" | undefined {
  const attributes = /^[a-z]+\d+([a-z]*)/.exec(type)?.[1];
  if (attributes === undefined || UNTOLD.test(type)) return undefined;
  return type.startsWith("a1.") || attributes.includes("g") ? "arm64" : "x86_64";
}
