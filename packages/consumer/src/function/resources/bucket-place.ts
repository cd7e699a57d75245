/** A bucket and whose it is to be. */
export interface BucketPlace {
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
}
