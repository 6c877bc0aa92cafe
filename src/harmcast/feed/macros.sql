-- Macros for mappings. Each takes text and gives text; what it cannot read comes back as it was, so that the checks find it,
-- set the row aside and say where it stands. Nothing unreadable becomes empty on the way.

-- An empty cell that was written as a word: NULL, N/A, nan.
CREATE MACRO null_words(words) AS
  CASE WHEN lower(trim(words)) IN ({null_words}) OR trim(words) = '' THEN NULL ELSE trim(words) END;

-- 31/12/2024, 31-12-2024, 31.12.2024, 31 Dec 2024, 31-DEC-2024 or ISO, with or without a time -> 2024-12-31.
-- With a second argument, a year, two figures are the last such year up to it: uk_date('31-DEC-68', 2026) is 1968-12-31.
CREATE MACRO uk_moment_(words) AS
  CASE WHEN regexp_matches(trim(words), '^(\d{1,2}[/. -](\d{1,2}|[A-Za-z]{3,9})[/. -]\d{4}|\d{4}-\d{1,2}-\d{1,2})([ T]|$)') THEN
    try_strptime(regexp_replace(trim(words), '[/.-]', '/', 'g'), [
      '%d/%m/%Y', '%d/%b/%Y', '%d %b %Y', '%d/%B/%Y', '%d %B %Y', '%d %m %Y', '%Y/%m/%d',
      '%d/%m/%Y %H:%M', '%d/%m/%Y %H:%M:%S', '%d/%b/%Y %H:%M', '%d/%b/%Y %H:%M:%S', '%d %b %Y %H:%M', '%d %b %Y %H:%M:%S',
      '%d %B %Y %H:%M', '%d %B %Y %H:%M:%S', '%d/%m/%Y %I:%M %p', '%d/%m/%Y %I:%M:%S %p',
      '%Y/%m/%d %H:%M', '%Y/%m/%d %H:%M:%S', '%Y/%m/%dT%H:%M', '%Y/%m/%dT%H:%M:%S', '%Y/%m/%dT%H:%M:%S/%g', '%Y/%m/%d %H:%M:%S/%g',
      '%Y/%m/%dT%H:%M:%S/%f', '%Y/%m/%d %H:%M:%S/%f', '%d/%m/%Y %H:%M:%S/%g', '%d/%m/%Y %H:%M:%S/%f'
    ]) END;
CREATE MACRO full_year_(words, newest) AS
  CASE WHEN regexp_matches(trim(words), '^\d{1,2}[/. -](\d{1,2}|[A-Za-z]{3,9})[/. -]\d{2}([ T]|$)') THEN
    regexp_replace(trim(words), '^(\d{1,2}[/. -](?:\d{1,2}|[A-Za-z]{3,9})[/. -])(\d{2})', '\1' || CAST(
      newest - (newest - TRY_CAST(regexp_extract(trim(words), '^\d{1,2}[/. -](?:\d{1,2}|[A-Za-z]{3,9})[/. -](\d{2})', 1) AS INTEGER)) % 100
      AS VARCHAR)) ELSE words END;
CREATE MACRO uk_date
  (words) AS coalesce(strftime(uk_moment_(words), '%Y-%m-%d'), words),
  (words, newest) AS coalesce(strftime(uk_moment_(full_year_(words, newest)), '%Y-%m-%d'), words);

-- 31/12/2024 23:15 -> 2024-12-31 23:15:00; with two arguments a date and a time of their own: 23:15, 2315, 23.15, 915, 11:15 pm.
CREATE MACRO clock_(words) AS
  CASE
    WHEN regexp_matches(trim(words), '^\d{1,2}[:.]\d{2}([:.]\d{2})?$') THEN try_strptime(replace(trim(words), '.', ':'), ['%H:%M:%S', '%H:%M'])
    WHEN regexp_matches(trim(words), '^\d{1,2}[:.]\d{2}([:.]\d{2})? ?[AaPp][Mm]$') THEN
      try_strptime(regexp_replace(replace(trim(words), '.', ':'), ' ?([AaPp][Mm])$', ' \1'), ['%I:%M:%S %p', '%I:%M %p'])
    WHEN regexp_matches(trim(words), '^\d{3,4}$') THEN try_strptime(lpad(trim(words), 4, '0'), '%H%M')
    WHEN regexp_matches(trim(words), '^\d{6}$') THEN try_strptime(trim(words), '%H%M%S')
  END;
CREATE MACRO uk_time
  (words) AS coalesce(strftime(uk_moment_(words), '%Y-%m-%d %H:%M:%S'), words),
  (day, words) AS CASE WHEN words IS NULL THEN uk_date(day)
    ELSE coalesce(strftime(uk_moment_(day), '%Y-%m-%d') || ' ' || strftime(clock_(words), '%H:%M:%S'), day || ' ' || words) END;

-- A spreadsheet's day number -> 45292 is 2024-01-01, 45292.5 is 2024-01-01 12:00:00. Day 60 never was.
CREATE MACRO excel_date(words) AS
  CASE WHEN regexp_matches(trim(words), '^\d{1,7}(\.\d+)?$') AND TRY_CAST(trim(words) AS DOUBLE) BETWEEN 1 AND 2958465.99999
      AND NOT TRY_CAST(trim(words) AS DOUBLE) BETWEEN 60 AND 60.99999 THEN
    CASE WHEN TRY_CAST(trim(words) AS DOUBLE) % 1 = 0
      THEN strftime(DATE '1899-12-30' + CAST(TRY_CAST(trim(words) AS DOUBLE) AS INTEGER) + (CASE WHEN TRY_CAST(trim(words) AS DOUBLE) < 60 THEN 1 ELSE 0 END), '%Y-%m-%d')
      ELSE strftime(TIMESTAMP '1899-12-30' + to_seconds(CAST(round(TRY_CAST(trim(words) AS DOUBLE) * 86400) AS BIGINT))
        + to_days(CASE WHEN TRY_CAST(trim(words) AS DOUBLE) < 60 THEN 1 ELSE 0 END), '%Y-%m-%d %H:%M:%S')
    END
  ELSE words END;

-- 1,234.5 -> 1234.5; £ in front and (1,234) for below zero are read.
CREATE MACRO uk_number(words) AS
  CASE
    WHEN regexp_matches(trim(words), '^-?£? ?-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$') THEN regexp_replace(trim(words), '[£, ]', '', 'g')
    WHEN regexp_matches(trim(words), '^\(£? ?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?\)$') THEN '-' || regexp_replace(trim(words), '[£, ()]', '', 'g')
    ELSE words
  END;

-- Yes, Y, true, T, 1 -> true; No, N, false, F, 0 -> false.
CREATE MACRO flag(words) AS
  CASE WHEN lower(trim(words)) IN ({true}) THEN 'true' WHEN lower(trim(words)) IN ({false}) THEN 'false' ELSE words END;

-- 'knife; firearm' -> ['knife', 'firearm']; without a separator given: semicolon, comma, bar or line end. Null words go.
CREATE MACRO split_words
  (words) AS list_filter(list_transform(regexp_split_to_array(words, '[;,|\n\r]+'), lambda word: null_words(word)), lambda word: word IS NOT NULL),
  (words, separator) AS list_filter(list_transform(string_split(words, separator), lambda word: null_words(word)), lambda word: word IS NOT NULL);

-- The worst of some words by a list from best to worst; a word outside the list comes first, so that it is seen.
CREATE MACRO worst_of(words, best_to_worst) AS
  coalesce(
    list_min(list_filter(list_transform(words, lambda word: lower(trim(word))), lambda word: NOT list_contains(best_to_worst, word))),
    list_filter(list_reverse(best_to_worst), lambda word: list_contains(list_transform(words, lambda each: lower(trim(each))), word))[1]
  );

-- 8/6, 00806, 8/06, 8.06, 806 -> 008/06. What could be two codes, or is of another system, comes back as it was.
CREATE MACRO ho_code(words) AS
  CASE
    WHEN regexp_full_match(upper(trim(words)), '0{0,2}\d{1,3}[A-Z]?\s*/\s*0?\d{1,2}') THEN
      lpad(regexp_extract(upper(trim(words)), '^0*(\d+)', 1), 3, '0') || regexp_extract(upper(trim(words)), '^\d+([A-Z]?)', 1)
        || '/' || lpad(regexp_extract(trim(words), '/\s*0?(\d{1,2})$', 1), 2, '0')
    WHEN regexp_full_match(upper(trim(words)), '0{0,2}\d{1,3}[A-Z]?\s*\.\s*\d{2}') THEN
      lpad(regexp_extract(upper(trim(words)), '^0*(\d+)', 1), 3, '0') || regexp_extract(upper(trim(words)), '^\d+([A-Z]?)', 1)
        || '/' || right(trim(words), 2)
    WHEN regexp_full_match(trim(words), '\d{1,5}\.\d') THEN coalesce(MAP {short_codes}[regexp_replace(trim(words), '^0+(\d)', '\1')], words)
    WHEN regexp_full_match(trim(words), '\d{5}') THEN left(trim(words), 3) || '/' || right(trim(words), 2)
    WHEN regexp_full_match(trim(words), '\d{1,4}|\d{1,3}[A-Za-z]') THEN coalesce(MAP {short_codes}[upper(trim(words))], words)
    ELSE words
  END;
