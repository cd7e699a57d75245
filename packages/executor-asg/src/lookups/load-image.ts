import { EC2Client, type Image, paginateDescribeImages } from "@aws-sdk/client-ec2";
import type { ReleaseDeps } from "../release-deps.ts";
import { escapeFilterValue } from "./escape-filter-value.ts";
import { type LookUp, lookUp, type ResourceProblem } from "./look-up.ts";
import { toTagMap } from "./tag-map.ts";

/** An image as the rules look at it. */
export interface ImageFacts {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  /** `available`, when instances can be launched from it. */
  readonly state?: string;
  /** Account. */
  readonly owner?: string;
  readonly architecture?: string;
}

/** EC2 API reference, "Error codes": the id of no image, or of one that is not ours to see. */
const MISSING = ["InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable"];

/** The image that a document means by an id, or by the tag `Name` of exactly one. */
export async function loadImage(deps: ReleaseDeps, ami: string): Promise<LookUp<ImageFacts>> {
  const what = `image "${ami}"`;
  const problem = toMissing(ami);
  const found = await lookUp(deps, { what, missing: { errors: MISSING, problem } }, () => loadImages(deps, ami));
  if (found.kind === "refused") return found;
  const [image, ...others] = found.value;
  if (image === undefined) return { kind: "refused", problems: [problem] };
  if (others.length === 0) return { kind: "found", value: toFacts(image) };
  const ids = found.value.map(({ ImageId }) => ImageId).join(", ");
  const message = `Image: "${ami}" is the name of ${found.value.length} images (${ids}). Name one of them by its id.`;
  return { kind: "refused", problems: [{ code: "release-image-ambiguous", message }] };
}

/** `ami-` and anything behind it is an id, all else a name. */
function isImageId(ami: string): boolean {
  return ami.startsWith("ami-") && ami.length >= 5;
}

async function loadImages({ target, signal }: ReleaseDeps, ami: string): Promise<readonly Image[]> {
  if (ami === "") return [];
  const input = isImageId(ami)
    ? { ImageIds: [ami] }
    : { Filters: [{ Name: "tag:Name", Values: [escapeFilterValue(ami)] }] };
  const images: Image[] = [];
  const pages = paginateDescribeImages({ client: target.client(EC2Client) }, input, { abortSignal: signal });
  for await (const { Images = [] } of pages) images.push(...Images);
  return images;
}

function toMissing(ami: string): ResourceProblem {
  return {
    code: "release-image-missing",
    message: `Image: image is nil: there is no image "${ami}" in this account and region.`,
  };
}

function toFacts({ ImageId = "", Tags, State, OwnerId, Architecture }: Image): ImageFacts {
  return {
    id: ImageId,
    tags: toTagMap(Tags),
    ...(State !== undefined && { state: State }),
    ...(OwnerId !== undefined && { owner: OwnerId }),
    ...(Architecture !== undefined && { architecture: Architecture }),
  };
}
