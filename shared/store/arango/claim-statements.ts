/** Takes a claim that is free, expired or the caller's own; `held` is what was there before. */
export const ACQUIRE_CLAIM = `
  LET held = FIRST(FOR claim IN claims FILTER claim._key == @wanted._key RETURN claim)
  LET taken = (FOR claim IN held != null AND (held.done OR (held.until > @now AND held.token != @wanted.token)) ? [] : [@wanted]
    INSERT claim INTO claims OPTIONS { overwriteMode: "replace", waitForSync: true }
    RETURN 1)
  RETURN { granted: LENGTH(taken) == 1, held }`;

export const RENEW_CLAIM = `
  FOR claim IN claims
    FILTER claim._key == @key AND claim.token == @token AND claim.done == false
    UPDATE claim WITH { until: @until } IN claims OPTIONS { waitForSync: true }
    RETURN 1`;

export const FINISH_CLAIM = `
  FOR claim IN claims
    FILTER claim._key == @key AND claim.token == @token
    UPDATE claim WITH { done: true } IN claims OPTIONS { waitForSync: true }
    RETURN 1`;

export const FREE_CLAIM = `
  FOR claim IN claims
    FILTER claim._key == @key AND claim.token == @token AND claim.done == false
    REMOVE claim IN claims OPTIONS { waitForSync: true }
    RETURN 1`;

export const EXPIRED_CLAIMS = `
  FOR claim IN claims
    FILTER claim.until <= @now AND claim.done == false AND STARTS_WITH(claim.key, @prefix)
    SORT claim.key
    RETURN claim`;

export const FORGET_CLAIMS = `
  FOR claim IN claims FILTER claim.until < @before LIMIT @limit REMOVE claim IN claims OPTIONS { waitForSync: true } RETURN 1`;

export const COUNT_DELIVERY = `
  UPSERT { _key: @delivery._key }
    INSERT MERGE(@delivery, { tries: 1 })
    UPDATE { tries: OLD.tries + 1, error: @delivery.error, at: @delivery.at } IN deliveries
    OPTIONS { waitForSync: true }
  RETURN NEW.tries`;

export const CLEAR_DELIVERY = `
  FOR delivery IN deliveries FILTER delivery._key == @key REMOVE delivery IN deliveries OPTIONS { waitForSync: true }`;

/** A letter keeps the number that it got when it came first; a new one is numbered behind the last. */
export const PUT_DEAD_LETTERS = `
  LET last = FIRST(FOR letter IN dead_letters SORT letter.seq DESC LIMIT 1 RETURN letter.seq)
  FOR letter IN @letters
    LET stored = FIRST(FOR known IN dead_letters FILTER known._key == letter._key RETURN known.seq)
    INSERT MERGE(letter, { seq: NOT_NULL(stored, last + letter.seq) }) INTO dead_letters
      OPTIONS { overwriteMode: "replace", waitForSync: true }`;

export const LIST_DEAD_LETTERS = `
  FOR letter IN dead_letters
    FILTER @topic == null OR letter.topic == @topic
    FILTER @queue_id == null OR letter.queue_id == @queue_id
    SORT letter.seq DESC, letter._key LIMIT @limit
    RETURN UNSET(letter, "_key", "_id", "_rev", "seq")`;
