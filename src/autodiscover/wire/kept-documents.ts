// What is rendered from a result alone is kept from the second time on that it is asked for, and as long as the result itself: results
// are immutable and handed out again for the same mailbox. Nothing here has an age. In a storm each is asked for once: documents that
// nobody asks for again would only fill the memory until the next garbage collection.

export class KeptDocuments<T extends object, D> {
  readonly #kept = new WeakMap<T, Map<string, D | undefined>>();
  readonly #maxVariants: number;
  readonly #own: (document: D) => D;

  /** Keeps so many variants of each subject; further ones are rendered each time. `own` makes a document fit to be kept for long. */
  constructor(maxVariants: number, own: (document: D) => D = (document) => document) {
    this.#maxVariants = maxVariants;
    this.#own = own;
  }

  of(subject: T, variant: string, render: () => D): D {
    let variants = this.#kept.get(subject);
    const known = variants?.get(variant);
    if (known !== undefined) return known;
    const document = render();
    if (!variants) {
      variants = new Map();
      this.#kept.set(subject, variants);
    }
    if (variants.has(variant)) variants.set(variant, this.#own(document));
    else if (variants.size < this.#maxVariants) variants.set(variant, undefined);
    return document;
  }
}
