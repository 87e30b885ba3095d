package io.libeim;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;
import org.json.JSONTokener;

/** JSON as maps, lists, {@code String}, {@code Long}, {@code Double}, {@code Boolean} and {@code null}. */
final class Json {
  private Json() {}

  static Object parse(String text) {
    try {
      return plain(new JSONTokener(text).nextValue());
    } catch (JSONException error) {
      throw new IllegalArgumentException("not JSON: " + error.getMessage(), error);
    }
  }

  static Map<String, Object> object(String text) {
    Object value = parse(text);
    if (!(value instanceof Map)) {
      return Collections.emptyMap();
    }
    @SuppressWarnings("unchecked") // plain() makes no other maps
    Map<String, Object> map = (Map<String, Object>) value;
    return map;
  }

  /** Maps, collections, arrays and plain values as JSON. */
  static String text(Object value) {
    try {
      String list = new JSONArray().put(wrap(value)).toString();
      return list.substring(1, list.length() - 1);
    } catch (JSONException error) { // NaN and the like
      throw new IllegalArgumentException(error.getMessage(), error);
    }
  }

  /** JSONObject.wrap() would leave out the nulls of a map. */
  private static Object wrap(Object value) throws JSONException {
    if (value instanceof Map) {
      JSONObject object = new JSONObject();
      for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
        object.put(String.valueOf(entry.getKey()), wrap(entry.getValue()));
      }
      return object;
    }
    if (value instanceof Iterable) {
      JSONArray array = new JSONArray();
      for (Object part : (Iterable<?>) value) {
        array.put(wrap(part));
      }
      return array;
    }
    if (value != null && value.getClass().isArray()) {
      JSONArray array = new JSONArray();
      for (int i = 0; i < Array.getLength(value); i++) {
        array.put(wrap(Array.get(value, i)));
      }
      return array;
    }
    if (value == null) {
      return JSONObject.NULL;
    }
    if (value instanceof Number || value instanceof Boolean || value instanceof String) {
      return value;
    }
    if (value instanceof Character || value instanceof Enum) {
      return value.toString();
    }
    throw new IllegalArgumentException("JSON has no form for a " + value.getClass().getName());
  }

  private static Object plain(Object value) throws JSONException {
    if (value instanceof JSONObject) {
      JSONObject object = (JSONObject) value;
      Map<String, Object> map = new LinkedHashMap<>();
      for (Iterator<String> keys = object.keys(); keys.hasNext(); ) {
        String key = keys.next();
        map.put(key, plain(object.get(key)));
      }
      return Collections.unmodifiableMap(map);
    }
    if (value instanceof JSONArray) {
      JSONArray array = (JSONArray) value;
      List<Object> list = new ArrayList<>(array.length());
      for (int i = 0; i < array.length(); i++) {
        list.add(plain(array.get(i)));
      }
      return Collections.unmodifiableList(list);
    }
    if (value == JSONObject.NULL) {
      return null;
    }
    if (value instanceof Integer) {
      return ((Integer) value).longValue();
    }
    if (value instanceof BigDecimal) {
      return ((BigDecimal) value).doubleValue();
    }
    if (value instanceof BigInteger && ((BigInteger) value).bitLength() < 64) {
      return ((BigInteger) value).longValue();
    }
    return value;
  }
}
