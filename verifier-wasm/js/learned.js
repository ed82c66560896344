// What a gate has come to know since it was opened, so that the instance after a trap doesn't go back to
// what its options said: keys that were withdrawn since would be good again, and what was revoked as well.
//
// What the host gave is kept and given again. What was fetched is fetched again, and until it has come
// the new instance is not to be asked: `isComplete` says whether it has.

/** How many characters of feeds are kept at most: some of the largest. Deltas could go on for ever. */
const MOST_KEPT = 1 << 20;

export class Learned {
  /** The pinned keys, or null where there are none or fetched ones took their place. */
  #keys = null;
  /** The last snapshot and the feeds after it, each with the pinned keys that it was checked with. */
  #feeds = [];
  /** Whether a feed was fetched. */
  #wasFetched = false;
  /** Whether there were more feeds than are kept. */
  #hasForgotten = false;
  /** The feeds that the instance hasn't taken again, and whether it has to fetch one or be given a snapshot. */
  #untold = [];
  #awaits = false;

  /** Whether the instance knows what the one before it knew. Feeds may have waited for their key. */
  isComplete(core, now) {
    if (this.#awaits) return false;
    while (this.#untold.length > 0 && takes(core, this.#untold[0].feed, now)) this.#untold.shift();
    return this.#untold.length === 0;
  }

  /** Tells a new instance; answers why it can't be told the keys, or null. */
  tell(core, now) {
    this.#untold = [];
    this.#awaits = this.#wasFetched || this.#hasForgotten;
    for (const step of this.#feeds) {
      // Fetched keys took the place of pinned ones, which then mustn't come back.
      if (this.#keys !== null && step.keys !== null) core.installKeys(step.keys);
      if (this.#untold.length > 0 || !takes(core, step.feed, now)) this.#untold.push(step);
    }
    return this.#keys === null ? null : core.installKeys(this.#keys);
  }

  /** Notes pinned keys that the instance has. */
  installed(keys) {
    this.#keys = typeof keys === 'string' ? keys : keys.slice();
  }

  /** Notes a feed that was given, and what it did. */
  applied(feed, done) {
    if (done === 'already_known') return;
    const text = typeof feed === 'string' ? feed : new TextDecoder().decode(feed);
    const { epoch, seq, since } = claimsOf(text);
    const isSnapshot = since === undefined;
    const place = `${epoch}.${seq}`;
    const last = this.#feeds.at(-1);
    const isGap = this.#hasForgotten || this.#untold.length > 0;
    const isRenewal = isSnapshot && !isGap && last?.place === place && done === 'extended';
    if (isSnapshot && (last?.place !== place || isGap)) {
      this.#feeds = [];
      this.#untold = [];
      this.#hasForgotten = false;
      this.#awaits &&= this.#wasFetched;
    } else if (isRenewal && last.isRenewal) {
      // One number signed again and again adds nothing but time. The first stays, for what it revokes.
      this.#feeds.pop();
    }
    this.#feeds.push({ feed: text, keys: this.#keys, place, isRenewal });
    if (this.#feeds.reduce((sum, { feed: { length } }) => sum + length, 0) > MOST_KEPT) {
      this.#feeds = [];
      this.#hasForgotten = true;
    }
  }

  /** Notes that the instance has taken a document that was fetched. */
  fetched(document) {
    if (document === 'keys') {
      this.#keys = null;
      return;
    }
    // It is all there is.
    this.#wasFetched = true;
    this.#untold = [];
    this.#awaits = false;
  }
}

/** Has an instance read a feed; answers whether it knows by now what that says. */
function takes(core, feed, now) {
  const { fault } = core.applyFeed(feed, now);
  return fault === null || fault.startsWith('rollback\n');
}

/** The claims of a feed whose signature the gate has checked. */
function claimsOf(feed) {
  return JSON.parse(atob(feed.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
}
