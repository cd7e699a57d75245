import { type SimCall, textsOf } from "../sim-call.ts";
import { ec2Faults as faults, type Tagged, toTagList } from "./ec2-faults.ts";
import { describeResources, type ResourceKind } from "./networks.ts";

/** A machine image. */
export interface SimImage extends Tagged {
  /** Of its owner. */
  readonly account: string;
  readonly region: string;
  readonly imageId: string;
  readonly name: string;
  readonly state: ImageState;
  readonly architecture: "x86_64" | "arm64";
  /** Accounts that may launch it too; `all` for everybody. */
  readonly sharedWith: readonly string[];
  readonly createdAt: number;
}

/** API reference, "Image", State. */
type ImageState = "pending" | "available" | "invalid" | "deregistered" | "transient" | "failed" | "error" | "disabled";

/** What tests say of an image. */
export interface ImageInput {
  readonly account: string;
  readonly region: string;
  /** Default: the next free one. */
  readonly imageId?: string;
  /** Default: its id. */
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: `available`. */
  readonly state?: ImageState;
  /** Default: `x86_64`. */
  readonly architecture?: SimImage["architecture"];
  readonly sharedWith?: readonly string[];
}

const KIND: ResourceKind<SimImage> = {
  keys: {
    ImageIds: {
      of: ({ imageId }) => imageId,
      missing: (id) =>
        /^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)
          ? faults.named("InvalidAMIID.NotFound", `The image id '[${id}]' does not exist`)
          : faults.named("InvalidAMIID.Malformed", `Invalid id: "${id}" (expecting "ami-...")`),
    },
  },
  readers: {},
  pages: { min: 1, max: 1_000 },
  answer: "Images",
  toOutput: (image) => ({
    ImageId: image.imageId,
    Name: image.name,
    State: image.state,
    OwnerId: image.account,
    Architecture: image.architecture,
    Public: image.sharedWith.includes("all"),
    ImageType: "machine",
    CreationDate: new Date(image.createdAt).toISOString(),
    VirtualizationType: "hvm",
    Hypervisor: "xen",
    RootDeviceName: "/dev/xvda",
    RootDeviceType: "ebs",
    PlatformDetails: "Linux/UNIX",
    Tags: toTagList(image.tags),
  }),
};

/** DescribeImages: the caller's own, and those that others share. Tags are seen by the owner only ("Tag your resources"). */
export function describeImages(images: Iterable<SimImage>, call: SimCall): unknown {
  const { account } = call.identity;
  const owners = textsOf(call.input, "Owners").map((owner) => (owner === "self" ? account : owner));
  const seen = [...images]
    .filter((image) => image.region === call.region && mayLaunch(image, account))
    .filter((image) => owners.length === 0 || owners.includes(image.account))
    .map((image) => (image.account === account ? image : { ...image, tags: {} }));
  return describeResources(seen, KIND, call);
}

/** May this account see the image and launch it? */
export function mayLaunch({ account, sharedWith }: SimImage, caller: string): boolean {
  return account === caller || sharedWith.includes(caller) || sharedWith.includes("all");
}
